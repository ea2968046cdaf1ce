//! Named values from a command line or a spec: the inputs of a hash, and settings of a provider.

use std::collections::BTreeMap;

use crate::config::Error;
use crate::hashes::Encoding;

/// What a provider takes by name.
#[derive(Debug, Clone, Copy)]
pub struct Input {
    /// Its name.
    pub name: &'static str,
    /// What it is, for help.
    pub about: &'static str,
}

/// An input with its help.
pub const fn input(name: &'static str, about: &'static str) -> Input {
    Input { name, about }
}

/// How letters are hashed, for providers whose SDKs differ in it.
pub const ENCODING: Input = input(
    "encoding",
    "what the SDK hashes of a text: utf-8, utf-16 (units), code-points, low-bytes (of the units), overlapping (units), cesu-8",
);

/// Named values, already checked against what is known.
#[derive(Debug)]
pub struct Given<'g>(&'g BTreeMap<String, String>);

impl<'g> Given<'g> {
    /// Checks that all names are known.
    pub fn new(all: &'g BTreeMap<String, String>, known: &[Input]) -> Result<Given<'g>, Error> {
        let names: Vec<&str> = known.iter().map(|input| input.name).collect();
        match all.keys().find(|name| !names.contains(&name.as_str())) {
            None => Ok(Given(all)),
            Some(name) if names.is_empty() => {
                Err(Error::new(name, "is not known").hint("this provider takes none"))
            }
            Some(name) => {
                Err(Error::new(name, "is not known")
                    .hint(format!("it is one of {}", names.join(", "))))
            }
        }
    }

    /// A text, when it is given.
    pub fn text(&self, name: &str) -> Option<&'g str> {
        self.0.get(name).map(String::as_str)
    }

    /// A text that has to be given; it may be empty.
    pub fn need(&self, name: &str) -> Result<&'g str, Error> {
        self.text(name).ok_or_else(|| Error::new(name, "is needed and not given"))
    }

    /// A number, when it is given.
    pub fn number(&self, name: &str) -> Result<Option<f64>, Error> {
        let read = |text: &str| match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(Error::new(name, format!("\"{text}\" is not a number"))),
        };
        self.text(name).map(read).transpose()
    }

    /// A whole number, when it is given.
    pub fn whole(&self, name: &str) -> Result<Option<u64>, Error> {
        let read = |text: &str| {
            let wrong = || Error::new(name, format!("\"{text}\" is not a whole number"));
            text.trim().parse::<u64>().map_err(|_| wrong())
        };
        self.text(name).map(read).transpose()
    }

    /// One of a list of names, when it is given.
    pub fn one_of<T: Copy>(&self, name: &str, of: &[(&str, T)]) -> Result<Option<T>, Error> {
        let read = |text: &str| {
            let found = of.iter().find(|(known, _)| *known == text).map(|(_, value)| *value);
            found.ok_or_else(|| {
                let names: Vec<&str> = of.iter().map(|(name, _)| *name).collect();
                Error::new(name, format!("\"{text}\" is not known"))
                    .hint(format!("it is one of {}", names.join(", ")))
            })
        };
        self.text(name).map(read).transpose()
    }

    /// The encoding, or what is usual.
    pub fn encoding(&self, usual: Encoding) -> Result<Encoding, Error> {
        Ok(self.one_of("encoding", &Encoding::NAMES)?.unwrap_or(usual))
    }

    /// `control=50,hero=50` or `50,50` under `weights`, when they are given; arms without a name
    /// are called by their place from 0.
    pub fn weights(&self) -> Result<Option<Vec<(String, f64)>>, Error> {
        let Some(text) = self.text("weights") else { return Ok(None) };
        let wrong = |part: &str| {
            Error::new("weights", format!("\"{part}\" is not a weight"))
                .hint("write 50,50 or control=50,hero=50")
        };
        let read = |(at, part): (usize, &str)| {
            let (name, weight) = match part.rsplit_once('=') {
                Some((name, weight)) => (name.trim().to_owned(), weight),
                None => (at.to_string(), part),
            };
            match weight.trim().parse::<f64>() {
                Ok(weight) if weight.is_finite() && weight >= 0.0 => Ok((name, weight)),
                _ => Err(wrong(part)),
            }
        };
        text.split(',').enumerate().map(read).collect::<Result<_, _>>().map(Some)
    }
}

/// Weights as an input.
pub const WEIGHTS: Input =
    input("weights", "the arms' weights in order, 50,50 or control=50,hero=50; they give the arm");

/// The first arm whose weights, added up in units of `whole` a sum, lie above the bucket.
pub fn below(weights: &[(String, f64)], whole: f64, bucket: f64) -> Option<String> {
    let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
    let mut up_to = 0.0;
    weights.iter().find_map(|(name, weight)| {
        up_to += weight;
        (bucket < up_to / sum * whole).then(|| name.clone())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn weights_have_names_or_places() {
        let check = |text: &str, expect: Option<&[(&str, f64)]>| {
            let all = given(&[("weights", text)]);
            let weights = Given::new(&all, &[WEIGHTS]).unwrap().weights().ok().flatten();
            let expect = expect.map(|list| {
                list.iter().map(|(name, weight)| ((*name).to_owned(), *weight)).collect::<Vec<_>>()
            });
            assert_eq!(weights, expect, "{text}");
        };
        check("50,50", Some(&[("0", 50.0), ("1", 50.0)]));
        check("a=1, b=2.5", Some(&[("a", 1.0), ("b", 2.5)]));
        check("a=b=1", Some(&[("a=b", 1.0)]));
        check("a=", None);
        check("-1,2", None);
        check("nan", None);
    }

    #[test]
    fn an_unknown_name_is_said() {
        let all = given(&[("sede", "x")]);
        let error = Given::new(&all, &[input("seed", ""), WEIGHTS]).unwrap_err();
        assert_eq!(error.to_string(), "sede: is not known");
        assert_eq!(error.hint.unwrap(), "it is one of seed, weights");
    }
}
