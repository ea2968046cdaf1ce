//! Refuses numbers that JSON cannot hold. serde_json would write them as `null` in silence.

use serde::ser::{self, Serialize, Serializer};

use crate::Error;

/// Serialises to JSON, with an error for a number that is not finite.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<serde_json::Value, Error> {
    value.serialize(Finite).map_err(|NotFinite(message)| Error::new(message))?;
    Ok(serde_json::to_value(value)?)
}

/// Walks through a value and writes nothing.
#[derive(Clone, Copy)]
struct Finite;

#[derive(Debug)]
struct NotFinite(String);

impl std::fmt::Display for NotFinite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotFinite {}

impl ser::Error for NotFinite {
    fn custom<T: std::fmt::Display>(message: T) -> NotFinite {
        NotFinite(message.to_string())
    }
}

type Checked = Result<(), NotFinite>;

macro_rules! fine {
    ($($method:ident($($type:ty),*);)*) => {$(
        fn $method(self, $(_: $type),*) -> Checked { Ok(()) }
    )*};
}

macro_rules! compound {
    ($($method:ident $trait:ident($($type:ty),*);)*) => {$(
        fn $method(self, $(_: $type),*) -> Result<Finite, NotFinite> { Ok(Finite) }
    )*};
}

impl Serializer for Finite {
    type Ok = ();
    type Error = NotFinite;
    type SerializeSeq = Finite;
    type SerializeTuple = Finite;
    type SerializeTupleStruct = Finite;
    type SerializeTupleVariant = Finite;
    type SerializeMap = Finite;
    type SerializeStruct = Finite;
    type SerializeStructVariant = Finite;

    fn serialize_f64(self, value: f64) -> Checked {
        if value.is_finite() {
            return Ok(());
        }
        Err(NotFinite(format!("the observation holds a number that is not finite ({value})")))
    }
    fn serialize_f32(self, value: f32) -> Checked {
        self.serialize_f64(value.into())
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Checked {
        value.serialize(self)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, v: &T) -> Checked {
        v.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Checked {
        value.serialize(self)
    }

    fine! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }
    compound! {
        serialize_seq SerializeSeq(Option<usize>);
        serialize_tuple SerializeTuple(usize);
        serialize_tuple_struct SerializeTupleStruct(&'static str, usize);
        serialize_tuple_variant SerializeTupleVariant(&'static str, u32, &'static str, usize);
        serialize_map SerializeMap(Option<usize>);
        serialize_struct SerializeStruct(&'static str, usize);
        serialize_struct_variant SerializeStructVariant(&'static str, u32, &'static str, usize);
    }
}

macro_rules! elements {
    ($($trait:ident $method:ident;)*) => {$(
        impl ser::$trait for Finite {
            type Ok = ();
            type Error = NotFinite;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Checked {
                value.serialize(*self)
            }
            fn end(self) -> Checked { Ok(()) }
        }
    )*};
}

elements! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

impl ser::SerializeMap for Finite {
    type Ok = ();
    type Error = NotFinite;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Checked {
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Checked {
        value.serialize(*self)
    }
    fn end(self) -> Checked {
        Ok(())
    }
}

macro_rules! fields {
    ($($trait:ident)*) => {$(
        impl ser::$trait for Finite {
            type Ok = ();
            type Error = NotFinite;
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self, _: &'static str, value: &T
            ) -> Checked {
                value.serialize(*self)
            }
            fn end(self) -> Checked { Ok(()) }
        }
    )*};
}

fields! { SerializeStruct SerializeStructVariant }

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    #[test]
    fn every_number_is_looked_at() {
        assert_eq!(to_json(&(1.5, "x")).unwrap(), json!([1.5, "x"]));
        assert!(to_json(&f64::NAN).is_err());
        assert!(to_json(&vec![Some(1.0), Some(f64::INFINITY)]).is_err());
        assert!(to_json(&BTreeMap::from([("a", [0.0, f64::NEG_INFINITY])])).is_err());
        assert!(to_json(&Ok::<f32, ()>(f32::NAN)).is_err());
    }
}
