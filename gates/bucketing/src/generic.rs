//! A bucketing of one's own, said in a few words: a hash over a text that salt and id are laid out
//! in, modulo a number, in ranges by weight.
//!
//! Read is one experiment, or `experiments` by key:
//! `{"hash": "murmur3-32", "seed": 0, "layout": "{salt}:{id}", "salt": "hero", "modulus": 10000,
//! "bytes": 4, "encoding": "utf-8", "arms": {"control": 50, "hero": 50}}`; arms may be a list of
//! `{"name", "weight"}` where their order is not that of their names. Of a digest, the first
//! `bytes` (1 to 7, or 8; 4 unless given; 0 for all) are the number, the first highest.

use crate::config::{Error, Node};
use crate::hashes::{Encoding, Fnv1a, Murmur3, md5, modulo, sha1, sha256};
use crate::named::{ENCODING, Given, Input, WEIGHTS, below, input};
use crate::{Arm, Assign, Assignment, Bucket, Hashed, Provider, Subject, Why, no_such};

/// A bucketing of one's own.
pub const PROVIDER: Provider = Provider {
    name: "generic",
    about: "A hash of your own: which one, over what, modulo what",
    settings: &[ENCODING],
    inputs: INPUTS,
    encodings: &[Encoding::Utf8, Encoding::Utf16, Encoding::CodePoints, Encoding::LowBytes],
    prepare: |config, key, given| Ok(Box::new(prepare(config, key, given)?)),
    hash: hashed,
};

const INPUTS: &[Input] = &[
    input("id", "the id"),
    input("hash", "murmur3-32, fnv-1a-32, md5, sha-1 or sha-256"),
    input("salt", "empty unless given"),
    input("layout", "\"{salt}{id}\" unless given"),
    input("seed", "of murmur3-32; 0 unless given"),
    input("bytes", "how many of a digest's bytes count: 4 unless given, 0 for all"),
    input("modulus", "the number of buckets"),
    ENCODING,
    WEIGHTS,
];

#[derive(Debug, Clone, Copy)]
enum Function {
    Murmur3,
    Fnv1a,
    Md5,
    Sha1,
    Sha256,
}

const FUNCTIONS: [(&str, Function); 5] = [
    ("murmur3-32", Function::Murmur3),
    ("fnv-1a-32", Function::Fnv1a),
    ("md5", Function::Md5),
    ("sha-1", Function::Sha1),
    ("sha-256", Function::Sha256),
];

/// What lies before and after the id, and what is done with it.
#[derive(Debug)]
struct Bucketing {
    function: Function,
    before: String,
    after: String,
    /// As far as it goes before the id.
    murmur3: Murmur3,
    fnv1a: Fnv1a,
    bytes: usize,
    modulus: u64,
    encoding: Encoding,
}

impl Bucketing {
    fn new(
        function: Function,
        (layout, salt): (&str, &str),
        (seed, bytes, modulus): (u64, u64, u64),
        encoding: Encoding,
    ) -> Result<Bucketing, Error> {
        let wrong = || Error::new("layout", "does not have \"{id}\" once");
        let (before, after) = layout.split_once("{id}").ok_or_else(wrong)?;
        if after.contains("{id}") {
            return Err(wrong());
        }
        if modulus == 0 || modulus > 1 << 48 {
            return Err(Error::new("modulus", "is not between 1 and 2^48"));
        }
        if bytes > 8 {
            return Err(Error::new("bytes", "is more than 8").hint("0 is all of them"));
        }
        let seed = u32::try_from(seed).map_err(|_| Error::new("seed", "has more than 32 bits"))?;
        let before = before.replace("{salt}", salt);
        Ok(Bucketing {
            function,
            murmur3: Murmur3::new(seed).text(&before, encoding),
            fnv1a: Fnv1a::default().text(&before, encoding),
            before,
            after: after.replace("{salt}", salt),
            bytes: bytes as usize,
            modulus,
            encoding,
        })
    }

    /// Division by a small number is much faster.
    #[inline]
    fn of_word(&self, hash: u32) -> u64 {
        match u32::try_from(self.modulus) {
            Ok(modulus) => u64::from(hash % modulus),
            Err(_) => u64::from(hash) % self.modulus,
        }
    }

    #[inline]
    fn bucket(&self, id: &str) -> u64 {
        let (after, encoding) = (&self.after, self.encoding);
        let parts = || [self.before.as_str(), id, after.as_str()];
        let of = |digest: &[u8]| {
            let bytes = if self.bytes == 0 { digest.len() } else { self.bytes };
            modulo(&digest[..bytes], self.modulus)
        };
        match self.function {
            Function::Murmur3 => {
                self.of_word(self.murmur3.text(id, encoding).text(after, encoding).finish())
            }
            Function::Fnv1a => {
                self.of_word(self.fnv1a.text(id, encoding).text(after, encoding).finish())
            }
            Function::Md5 => of(&md5(&parts())),
            Function::Sha1 => of(&sha1(&parts())),
            Function::Sha256 => of(&sha256(&parts())),
        }
    }
}

fn hashed(given: &Given<'_>) -> Result<Hashed, Error> {
    let function = given.one_of("hash", &FUNCTIONS)?;
    let function = function.ok_or_else(|| Error::new("hash", "is needed and not given"))?;
    let modulus = given.whole("modulus")?;
    let modulus = modulus.ok_or_else(|| Error::new("modulus", "is needed and not given"))?;
    let bucketing = Bucketing::new(
        function,
        (given.text("layout").unwrap_or("{salt}{id}"), given.text("salt").unwrap_or_default()),
        (given.whole("seed")?.unwrap_or(0), given.whole("bytes")?.unwrap_or(4), modulus),
        given.encoding(Encoding::Utf8)?,
    )?;
    let bucket = bucketing.bucket(given.need("id")?);
    let arm = given.weights()?.and_then(|all| below(&all, modulus as f64, bucket as f64));
    Ok(Hashed { bucket: Bucket::Whole(bucket), arm })
}

#[derive(Debug)]
struct Prepared {
    bucketing: Bucketing,
    /// Upper ends.
    ends: Vec<f64>,
    arms: Vec<Arm>,
}

fn prepare(config: &Node<'_>, key: &str, given: &Given<'_>) -> Result<Prepared, Error> {
    let node = match config.get("experiments") {
        None => config.clone(),
        Some(all) => match all.get(key) {
            Some(node) => node,
            None => {
                let keys = all.object()?.keys().map(String::as_str);
                return Err(no_such("experiment", key, keys));
            }
        },
    };
    let one_of = |name: &str| {
        let node = node.need(name)?;
        let text = node.text()?;
        let found = FUNCTIONS.iter().find(|(known, _)| *known == text);
        found.map(|(_, function)| *function).ok_or_else(|| {
            node.fail(format!("\"{text}\" is not known"))
                .hint("it is one of murmur3-32, fnv-1a-32, md5, sha-1, sha-256")
        })
    };
    let encoding = match node.get("encoding") {
        None => Encoding::Utf8,
        Some(node) => {
            let name = node.text()?;
            let found = Encoding::NAMES.iter().find(|(known, _)| *known == name);
            found.map(|(_, encoding)| *encoding).ok_or_else(|| node.fail("is not known"))?
        }
    };
    let whole = |name: &str, usual| node.get(name).map_or(Ok(usual), |number| number.whole());
    let layout = node.text_at("layout")?.unwrap_or("{salt}{id}");
    let salt = node.text_at("salt")?.unwrap_or_default();
    let numbers = (whole("seed", 0)?, whole("bytes", 4)?, node.need("modulus")?.whole()?);
    let encoding = given.encoding(encoding)?;
    let bucketing = Bucketing::new(one_of("hash")?, (layout, salt), numbers, encoding)
        .map_err(|error| Error { place: format!("{}.{}", node.place(), error.place), ..error })?;
    let weights = weights(&node.need("arms")?)?;
    let sum: f64 = weights.iter().map(|(_, weight)| weight).sum();
    if sum <= 0.0 {
        return Err(node.need("arms")?.fail("have no weight"));
    }
    let mut up_to = 0.0;
    let end = |(_, weight): &(String, f64)| {
        up_to += weight;
        up_to / sum * bucketing.modulus as f64
    };
    let ends = weights.iter().map(end).collect();
    Ok(Prepared { bucketing, ends, arms: Arm::weighted(weights) })
}

fn weights(node: &Node<'_>) -> Result<Vec<(String, f64)>, Error> {
    let weight = |node: &Node<'_>| match node.number()? {
        weight if weight >= 0.0 => Ok(weight),
        _ => Err(node.fail("is below 0")),
    };
    if node.value().is_array() {
        let arm = |node: &Node<'_>| {
            Ok((node.need("name")?.text()?.to_owned(), weight(&node.need("weight")?)?))
        };
        return node.items()?.iter().map(arm).collect();
    }
    node.fields()?.iter().map(|(name, node)| Ok(((*name).to_owned(), weight(node)?))).collect()
}

impl Assign for Prepared {
    fn assign<'p>(&'p self, subject: &Subject<'_>) -> Assignment<'p> {
        let bucket = self.bucketing.bucket(subject.id);
        // Ends go up, so that as many lie below it as arms come before its own.
        let at = self.ends.iter().filter(|end| (bucket as f64) >= **end).count();
        let assignment = match self.arms.get(at) {
            Some(arm) => Assignment::arm(&arm.name, Why::Bucket),
            None => Assignment::none(Why::Out("the ranges")),
        };
        assignment.bucket(Bucket::Whole(bucket))
    }

    fn arms(&self) -> &[Arm] {
        &self.arms
    }

    fn unit(&self) -> &'static str {
        "id"
    }
}
