use super::super::*;

fn settings(pages: &str) -> Settings {
    serde_json::from_str(&format!("{{\"pages\": {pages}}}")).unwrap()
}

fn check(pages: &str, found: &[(usize, &str, Option<&str>)], expect: &[&str]) {
    let found = found.iter().map(|(entry, address, name)| Found {
        entry: *entry,
        address: match address.strip_prefix("file:") {
            Some(path) => Address::File(path.to_owned()),
            None => Address::Site((*address).to_owned()),
        },
        name: name.map(str::to_owned),
    });
    let named = named(found.collect(), &settings(pages));
    let units: Vec<String> = named.iter().map(|page| page.unit().0).collect();
    assert_eq!(units, expect);
    for page in &named {
        assert!(is_name(&page.name), "{}", page.name);
        assert_eq!(Page::of(&page.unit()).as_ref(), Ok(page));
    }
}

#[test]
fn every_page_once_and_with_a_name_of_its_own() {
    let pages =
        r#"[{"sitemap": "/s.xml"}, {"path": "/pricing", "name": "plans"}, {"sitemap": "/t.xml"}]"#;
    check(
        pages,
        &[
            (0, "/", None),
            (0, "/pricing", None),
            (0, "/a/b", None),
            (0, "/a-b", None),
            (0, "/x/plans", None),
            (0, "/About", None),
            (0, "/about", None),
            (1, "/pricing", Some("plans")),
            (2, "/", None),
            (2, "/plans", None),
        ],
        &[
            // What stands by itself goes before the lists, and keeps its name.
            "1 plans /pricing",
            "0 home /",
            "0 a-b-c739dc /a/b",
            "0 a-b-089401 /a-b",
            "0 x-plans /x/plans",
            // Some file systems take these for the same.
            "0 About-dfccdf /About",
            "0 about-2c9b38 /about",
            "2 plans-4f8e0d /plans",
        ],
    );
}

#[test]
fn names_of_stories_and_files() {
    let pages = r#"[{"storybook": "/sb/"}, {"file": "mail/*.html"}]"#;
    let long = format!("/{}", "x".repeat(200));
    check(
        pages,
        &[
            (0, "/sb/iframe.html?id=forms-button--primary&viewMode=story", None),
            (1, "file:mail/welcome.v2.html", None),
            (1, "file:mail/Grüße aus.html", None),
            (0, &long, None),
        ],
        &[
            "0 forms-button--primary /sb/iframe.html?id=forms-button--primary&viewMode=story",
            "1 mail-welcome.v2 file:mail/welcome.v2.html",
            "1 mail-Gr-e-aus file:mail/Grüße aus.html",
            &format!("0 {}-c37790 {long}", "x".repeat(73)),
        ],
    );
}

#[test]
fn what_is_no_unit_is_said() {
    for wrong in ["", "all", "0 home", "x home /", "0 ../x /", "0 home mail.html"] {
        let error = Page::of(&UnitId(wrong.to_owned())).unwrap_err();
        assert_eq!(error.to_string(), format!("`{wrong}` is no page of this gate"));
    }
}
