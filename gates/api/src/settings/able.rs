//! Defaults that serde asks for by name.

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

pub(super) fn one() -> Vec<i32> {
    vec![1]
}
