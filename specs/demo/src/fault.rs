//! What can be broken on purpose, and which check has to notice.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// The landing page's call to action turns from orange to violet.
pub(crate) const RECOLOURED_BUTTON: Fault = Fault {
    name: "recoloured-button",
    title: "the landing page's button changes its colour",
    caught_by: "pages/home-desktop-chromium",
    names: "a#hero-cta: background-color",
};

/// The sign-up page's picture answers 404; its place keeps its size.
pub(crate) const MISSING_IMAGE: Fault = Fault {
    name: "missing-image",
    title: "the sign-up page's picture is gone",
    caught_by: "pages/signup-desktop-chromium",
    names: " px at ",
};

/// A banner of 42 px pushes the pricing page down.
pub(crate) const INSERTED_BANNER: Fault = Fault {
    name: "inserted-banner",
    title: "a banner pushes the pricing page down by 42 pixels",
    caught_by: "pages/pricing-desktop-chromium",
    names: "div#banner",
};

/// `POST /api/signup` answers 500.
pub(crate) const SIGNUP_ERROR: Fault = Fault {
    name: "signup-error",
    title: "the sign-up form answers with an error",
    caught_by: "sign-up/tests",
    names: "signing up works",
};

/// A footer link of the sign-up page leads to a page that answers 404; no pixel changes.
pub(crate) const BROKEN_LINK: Fault = Fault {
    name: "broken-link",
    title: "a link in the sign-up page's footer leads nowhere",
    caught_by: "links/links",
    names: " answers 404",
};

/// The address book answers contacts whose stage is elsewhere; the sign-up does without it.
pub(crate) const CRM_DRIFT: Fault = Fault {
    name: "crm-drift",
    title: "the address book's API has changed",
    caught_by: "crm/drift-get-crm-v1-contacts-con-000001",
    names: "$.stage",
};

/// What the sign-up form is told carries the token of the address book.
pub(crate) const CRM_SECRET: Fault = Fault {
    name: "crm-secret",
    title: "an answer that anybody can read holds the address book's token",
    caught_by: "site-api/secrets",
    names: "/api/form holds a secret",
};

/// The pricing page takes 80 ms longer to make; every byte of it stays the same.
pub(crate) const SLOW_RENDER: Fault = Fault {
    name: "slow-render",
    title: "the pricing page takes 80 milliseconds longer to make",
    caught_by: "speed/comparison",
    names: "times as slow",
};

/// What the warehouse exports has two ids for most visitors, in the same arm.
pub(crate) const DOUBLE_COUNT: Fault = Fault {
    name: "double-count",
    title: "visitors get a second id, so that each is counted 1.9 times while the split stays perfect",
    caught_by: "hero-results/counted-once",
    names: "as if each visitor were counted 1.8",
};

/// Something that can be broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fault {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What a visitor or an engineer would see, a lower-case fragment.
    pub title: &'static str,
    /// The check that has to fail, as `gate/check`.
    pub caught_by: &'static str,
    /// What its message has to say, so that the fault is named and not only noticed.
    pub names: &'static str,
}

impl Fault {
    /// The fault of that name.
    pub fn find(name: &str) -> Option<Fault> {
        faults().iter().copied().find(|fault| fault.name == name)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Every fault there is, in the order in which the demo shows them.
pub fn faults() -> &'static [Fault] {
    &[
        RECOLOURED_BUTTON,
        MISSING_IMAGE,
        INSERTED_BANNER,
        SIGNUP_ERROR,
        BROKEN_LINK,
        CRM_DRIFT,
        CRM_SECRET,
        SLOW_RENDER,
        DOUBLE_COUNT,
    ]
}

/// The switches of one running site. A clone works the same switches.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<RwLock<BTreeSet<Fault>>>);

impl Faults {
    /// Breaks one thing more.
    pub fn on(&self, fault: Fault) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(fault);
    }

    /// Mends one thing.
    pub fn off(&self, fault: Fault) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&fault);
    }

    /// Breaks exactly these, and mends all others. No request sees a mixture.
    pub fn set(&self, faults: impl IntoIterator<Item = Fault>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = faults.into_iter().collect();
    }

    /// Whether that is broken now.
    pub fn is_on(&self, fault: Fault) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(&fault)
    }

    /// What is broken now, by name.
    pub fn names(&self) -> Vec<&'static str> {
        let faults = self.0.read().unwrap_or_else(PoisonError::into_inner);
        faults.iter().map(|fault| fault.name).collect()
    }
}
