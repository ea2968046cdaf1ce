//! What the platforms that marketing runs on mean by names that say nothing elsewhere.

use crate::names::Class;

/// A platform.
#[derive(Debug, PartialEq, Eq)]
pub struct Profile {
    /// How a policy names it.
    pub name: &'static str,
    /// What its hosts end in.
    hosts: &'static [&'static str],
    /// Names in lower case, with letters and digits alone.
    names: &'static [(&'static str, Class)],
    /// What a part of a path stands after when it tells who somebody is.
    pub(crate) person_after: &'static [&'static str],
}

/// All that are known.
pub static PROFILES: &[Profile] = &[
    Profile {
        name: "hubspot",
        hosts: &["hubapi.com", "hubspot.com", "hsforms.com"],
        names: &[
            ("hubspotutk", Class::Person),
            ("hutk", Class::Person),
            ("usertoken", Class::Secret),
        ],
        person_after: &[],
    },
    Profile {
        name: "salesforce-marketing-cloud",
        hosts: &["marketingcloudapis.com", "exacttargetapis.com", "exacttarget.com"],
        names: &[
            ("accountid", Class::Secret),
            ("clientid", Class::Secret),
            ("contactkey", Class::Person),
            ("subscriberkey", Class::Person),
            ("xapitse", Class::Secret),
        ],
        person_after: &[],
    },
    Profile {
        name: "mailchimp",
        hosts: &["mailchimp.com", "mandrillapp.com", "list-manage.com"],
        names: &[
            ("address", Class::Person),
            ("emailid", Class::Person),
            ("fname", Class::Person),
            ("fullname", Class::Person),
            ("ipopt", Class::Person),
            ("ipsignup", Class::Person),
            ("key", Class::Secret),
            ("lname", Class::Person),
            ("subscriberhash", Class::Person),
            ("uniqueemailid", Class::Person),
        ],
        person_after: &["members"],
    },
    Profile {
        name: "klaviyo",
        hosts: &["klaviyo.com"],
        names: &[("companyid", Class::Secret), ("kx", Class::Person)],
        person_after: &[],
    },
    Profile {
        name: "braze",
        hosts: &["braze.com", "braze.eu", "appboy.com"],
        names: &[("brazeid", Class::Person), ("externalid", Class::Person)],
        person_after: &[],
    },
    Profile {
        name: "ga4",
        hosts: &["google-analytics.com", "analytics.google.com"],
        names: &[
            ("appinstanceid", Class::Person),
            ("clientid", Class::Person),
            ("userid", Class::Person),
        ],
        person_after: &[],
    },
    Profile {
        name: "meta",
        hosts: &["facebook.com", "facebook.net", "instagram.com"],
        names: &[
            ("appsecretproof", Class::Secret),
            ("ct", Class::Person),
            ("db", Class::Person),
            ("em", Class::Email),
            ("externalid", Class::Person),
            ("fbc", Class::Person),
            ("fbp", Class::Person),
            ("fn", Class::Person),
            ("ge", Class::Person),
            ("ln", Class::Person),
            ("ph", Class::Phone),
            ("st", Class::Person),
            ("zp", Class::Person),
        ],
        person_after: &[],
    },
];

impl Profile {
    /// The one of this name.
    pub fn named(name: &str) -> Option<&'static Profile> {
        PROFILES.iter().find(|profile| profile.name == name)
    }

    /// The one that a host belongs to; the host may have a port.
    pub(crate) fn of_host(host: &str) -> Option<&'static Profile> {
        let host = host.split(':').next().unwrap_or_default();
        PROFILES.iter().find(|profile| {
            profile.hosts.iter().any(|end| {
                host.len() >= end.len()
                    && host.as_bytes()[host.len() - end.len()..]
                        .eq_ignore_ascii_case(end.as_bytes())
                    && (host.len() == end.len()
                        || host.as_bytes()[host.len() - end.len() - 1] == b'.')
            })
        })
    }

    pub(crate) fn class(&self, name: &[u8]) -> Option<Class> {
        self.names.iter().find(|(own, _)| own.as_bytes() == name).map(|(_, class)| *class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_belong_to_platforms() {
        let check = |host: &str, expect: Option<&str>| {
            assert_eq!(Profile::of_host(host).map(|profile| profile.name), expect, "{host}");
        };
        check("api.hubapi.com", Some("hubspot"));
        check("mc1.auth.marketingcloudapis.com:443", Some("salesforce-marketing-cloud"));
        check("us21.api.Mailchimp.com", Some("mailchimp"));
        check("a.klaviyo.com", Some("klaviyo"));
        check("rest.fra-01.braze.eu", Some("braze"));
        check("www.google-analytics.com", Some("ga4"));
        check("graph.facebook.com", Some("meta"));
        check("notfacebook.com", None);
        check("127.0.0.1:80", None);
        assert_eq!(Profile::named("meta").unwrap().name, "meta");
        for profile in PROFILES {
            assert_eq!(Profile::named(profile.name), Some(profile));
        }
    }
}
