//! A change to one field: keep it, clear it or set it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is to become of a field. In JSON a kept field is absent and a cleared one is null.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// Leave it as it is; in a snapshot: not shown.
    #[default]
    Keep,
    /// Empty it.
    Clear,
    /// Give it this value.
    Set(T),
}

impl<T> Patch<T> {
    /// Says nothing about the field.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// The value to be set, if one is.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// `Set` for a value, `Clear` for none.
    pub fn exactly(value: Option<T>) -> Self {
        value.map_or(Self::Clear, Self::Set)
    }

    /// `Set` for a value, `Keep` for none.
    pub fn shown(value: Option<T>) -> Self {
        value.map_or(Self::Keep, Self::Set)
    }
}

impl<T: Serialize> Serialize for Patch<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::exactly)
    }
}

/// A place in a ticket that a patch can be applied to.
pub(super) trait Slot {
    /// What the place holds when it is not empty.
    type Value: Clone + PartialEq;

    /// Whether the place holds exactly this; `None` asks whether it is empty.
    fn holds(&self, value: Option<&Self::Value>) -> bool;

    /// Puts a value there, or empties it.
    fn put(&mut self, value: Option<&Self::Value>);

    /// What it holds, as a patch that would put it there.
    fn as_patch(&self) -> Patch<Self::Value>;

    /// Whether it has a value that a process can require.
    fn is_set(&self) -> bool {
        !self.holds(None)
    }
}

impl<T: Clone + PartialEq> Slot for Option<T> {
    type Value = T;

    fn holds(&self, value: Option<&T>) -> bool {
        self.as_ref() == value
    }

    fn put(&mut self, value: Option<&T>) {
        *self = value.cloned();
    }

    fn as_patch(&self) -> Patch<T> {
        Patch::exactly(self.clone())
    }
}

/// Slots whose empty value is the default of their type.
macro_rules! slot_with_default {
    ($([$($generics:tt)*] $type:ty;)+) => {$(
        impl<$($generics)*> Slot for $type {
            type Value = $type;

            fn holds(&self, value: Option<&$type>) -> bool {
                match value {
                    Some(value) => self == value,
                    None => *self == <$type>::default(),
                }
            }

            fn put(&mut self, value: Option<&$type>) {
                *self = value.cloned().unwrap_or_default();
            }

            fn as_patch(&self) -> Patch<$type> {
                if self.holds(None) { Patch::Clear } else { Patch::Set(self.clone()) }
            }
        }
    )+};
}

slot_with_default! {
    [] String;
    [] bool;
    [] u32;
    [T: Clone + PartialEq] Vec<T>;
    [K: Clone + Ord, V: Clone + PartialEq] BTreeMap<K, V>;
}

/// An instant that every ticket has: it cannot be cleared.
impl Slot for Timestamp {
    type Value = Self;

    fn holds(&self, value: Option<&Self>) -> bool {
        value.is_none_or(|value| self == value)
    }

    fn put(&mut self, value: Option<&Self>) {
        if let Some(value) = value {
            *self = *value;
        }
    }

    fn as_patch(&self) -> Patch<Self> {
        Patch::Set(*self)
    }

    fn is_set(&self) -> bool {
        true
    }
}

impl<T: Clone + PartialEq> Patch<T> {
    pub(super) fn apply<S: Slot<Value = T>>(&self, slot: &mut S) {
        match self {
            Self::Keep => {}
            Self::Clear => slot.put(None),
            Self::Set(value) => slot.put(Some(value)),
        }
    }

    /// Whether it would make a difference to the slot.
    pub(super) fn alters<S: Slot<Value = T>>(&self, slot: &S) -> bool {
        match self {
            Self::Keep => false,
            Self::Clear => !slot.holds(None),
            Self::Set(value) => !slot.holds(Some(value)),
        }
    }

    /// The patch if it would alter the slot, else `Keep`.
    pub(super) fn against<S: Slot<Value = T>>(&self, slot: &S) -> Self {
        if self.alters(slot) { self.clone() } else { Self::Keep }
    }
}
