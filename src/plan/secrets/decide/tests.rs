//! Every state of a file against every state of the credentials.

use zeroize::Zeroizing;

use super::*;
use crate::objects::dockerconfig::Credential;

fn auths(entries: &[(&str, &str)]) -> Auths {
    let owned = |text: &str| Zeroizing::new(text.to_owned());
    let credential =
        |user: &str| Credential::new(owned(user), owned("p")).unwrap_or_else(|flaw| panic!("{flaw}"));
    Auths(entries.iter().map(|(key, user)| ((*key).to_owned(), credential(user))).collect())
}

/// A Secret for `a.io` and `b.io`; `found` has a user name for those that a credential was found for.
fn wanted(found: &[(&str, &str)]) -> Wanted {
    let registries: BTreeSet<String> = ["a.io", "b.io"].map(str::to_owned).into();
    let missing =
        registries.iter().filter(|host| found.iter().all(|(key, _)| key != host)).cloned().collect();
    Wanted {
        path: "s/shop/acr.sops.yaml".to_owned(),
        namespace: "shop".to_owned(),
        name: "acr".to_owned(),
        target: 0,
        secret: 0,
        supply: Supply { auths: auths(found), missing, registries: Some(registries) },
        selected: true,
    }
}

fn head() -> Head {
    let labels = vec![("team".to_owned(), "x".to_owned())];
    Head { namespace: "shop".to_owned(), name: "acr".to_owned(), labels, annotations: vec![] }
}

fn ours(content: Content) -> Ours {
    Ours { head: Some(head()), encrypted: true, form: vec![], missing: vec![], unexpected: vec![], content }
}

fn existing(kind: Kind) -> Existing {
    Existing { path: "s/shop/acr.sops.yaml".to_owned(), position: Position::START, kind }
}

/// The decision in words: action, credentials written, codes that it answers, codes that remain, what is lacking.
fn shown(decision: &Decision) -> String {
    let users = |auths: &Auths| {
        auths.0.iter().map(|(key, one)| format!("{key}={}", one.username())).collect::<Vec<_>>().join(",")
    };
    let action = match &decision.action {
        Action::Write(write) => format!("write {}", users(&write.auths)),
        Action::Rewrap => "rewrap".to_owned(),
        Action::Remove => "remove".to_owned(),
        Action::Keep(Some(auths)) => format!("keep {}", users(auths)),
        Action::Keep(None) => "keep".to_owned(),
    };
    let codes = |findings: &[Finding]| {
        findings.iter().map(|finding| finding.code.name()).collect::<Vec<_>>().join(",")
    };
    let lacking: Vec<&str> = decision.lacking.iter().map(String::as_str).collect();
    [action, codes(&decision.answered), codes(&decision.findings), lacking.join(",")].join("|")
}

const BOTH: &[(&str, &str)] = &[("a.io", "a"), ("b.io", "b")];
const ONE: &[(&str, &str)] = &[("a.io", "a")];
const NONE: &[(&str, &str)] = &[];

#[test]
fn where_nothing_is_there() {
    for (found, expected) in
        [(BOTH, "write a.io=a,b.io=b|||"), (ONE, "write a.io=a|||b.io"), (NONE, "keep|||a.io,b.io")]
    {
        assert_eq!(shown(&decide(&wanted(found), None, false)), expected);
    }
}

#[test]
fn by_what_is_known_of_the_content() {
    let old = || Content::Opened(auths(BOTH));
    for (found, content, expected) in [
        (BOTH, old(), "keep a.io=a,b.io=b|||"),
        (NONE, old(), "keep a.io=a,b.io=b|||"),
        (&[("a.io", "new"), ("b.io", "b")], old(), "write a.io=new,b.io=b|secret-stale||"),
        (&[("a.io", "new")], old(), "write a.io=new,b.io=b|secret-stale||"),
        (
            NONE,
            Content::Opened(auths(&[("a.io", "a"), ("b.io", "b"), ("unused.io", "u")])),
            "write a.io=a,b.io=b|secret-stale||",
        ),
        (NONE, Content::Opened(auths(&[("unused.io", "u")])), "keep unused.io=u|||a.io,b.io"),
        (NONE, Content::Opened(auths(ONE)), "keep a.io=a|||b.io"),
        (BOTH, Content::Same, "keep a.io=a,b.io=b|||"),
        (BOTH, Content::Different, "write a.io=a,b.io=b|secret-stale||"),
        (BOTH, Content::Unknown, "keep||secret-unverified|"),
        (NONE, Content::Unknown, "keep||secret-unverified|"),
        (BOTH, Content::Malformed, "write a.io=a,b.io=b|secret-stale||"),
        (NONE, Content::Malformed, "keep||secret-stale|"),
    ] {
        let there = existing(Kind::Ours(Box::new(ours(content))));
        assert_eq!(shown(&decide(&wanted(found), Some(&there), false)), expected, "{found:?}");
    }
}

#[test]
fn other_recipients() {
    let others = |content| {
        let (missing, unexpected) = (vec!["age1m".to_owned()], vec!["age1x".to_owned(), "age1y".to_owned()]);
        existing(Kind::Ours(Box::new(Ours { missing, unexpected, ..ours(content) })))
    };
    let codes = "secret-stale,recipient-unexpected,recipient-unexpected";
    for (found, content, expected) in [
        (NONE, Content::Opened(auths(BOTH)), format!("rewrap|{codes}||")),
        (
            &[("a.io", "new"), ("b.io", "b")][..],
            Content::Opened(auths(BOTH)),
            format!("write a.io=new,b.io=b|{codes},secret-stale||"),
        ),
        (BOTH, Content::Unknown, format!("write a.io=a,b.io=b|{codes}||")),
        (BOTH, Content::Same, format!("write a.io=a,b.io=b|{codes}||")),
        (NONE, Content::Unknown, format!("keep||{codes}|")),
    ] {
        assert_eq!(shown(&decide(&wanted(found), Some(&others(content)), false)), expected);
    }
}

#[test]
fn another_layout() {
    let plain = || Ours { encrypted: false, ..ours(Content::Opened(auths(BOTH))) };
    let there = existing(Kind::Ours(Box::new(plain())));
    assert_eq!(shown(&decide(&wanted(NONE), Some(&there), false)), "write a.io=a,b.io=b|secret-stale||");
    let moved = Head { namespace: "old".to_owned(), ..head() };
    let there = existing(Kind::Ours(Box::new(Ours { head: Some(moved), ..ours(Content::Unknown) })));
    assert_eq!(shown(&decide(&wanted(NONE), Some(&there), false)), "keep||secret-stale|");
    let decision = decide(&wanted(BOTH), Some(&there), false);
    assert!(matches!(decision.action, Action::Write(write) if write.head.namespace == "shop"));
}

#[test]
fn labels_that_somebody_added_stay() {
    let there = existing(Kind::Ours(Box::new(ours(Content::Different))));
    let decision = decide(&wanted(BOTH), Some(&there), false);
    assert!(matches!(decision.action, Action::Write(write) if write.head == head() && !write.is_new));
}

#[test]
fn force_writes_what_can_be_written() {
    for (found, kind, calm, forced) in [
        (
            BOTH,
            Kind::Ours(Box::new(ours(Content::Unknown))),
            "keep||secret-unverified|",
            "write a.io=a,b.io=b|||",
        ),
        (NONE, Kind::Ours(Box::new(ours(Content::Unknown))), "keep||secret-unverified|", "keep|||a.io,b.io"),
        (
            NONE,
            Kind::Ours(Box::new(ours(Content::Opened(auths(BOTH))))),
            "keep a.io=a,b.io=b|||",
            "write a.io=a,b.io=b|||",
        ),
        (BOTH, Kind::Damaged("x".to_owned()), "keep||secret-damaged|", "write a.io=a,b.io=b|||"),
        (ONE, Kind::Damaged("x".to_owned()), "keep||secret-damaged|", "keep||secret-damaged|"),
        (BOTH, Kind::Adoptable, "keep||output-occupied|", "write a.io=a,b.io=b|||"),
        (BOTH, Kind::Sealed, "keep||secret-unverified|", "write a.io=a,b.io=b|||"),
        (BOTH, Kind::Foreign("a folder".to_owned()), "keep||output-occupied|", "keep||output-occupied|"),
    ] {
        let there = existing(kind);
        assert_eq!(shown(&decide(&wanted(found), Some(&there), false)), calm);
        assert_eq!(shown(&decide(&wanted(found), Some(&there), true)), forced);
    }
}

#[test]
fn where_none_is_wanted() {
    let there = existing(Kind::Ours(Box::new(ours(Content::Unknown))));
    assert_eq!(unneeded(&there, None).map(|one| shown(&one)).as_deref(), Some("remove|secret-unneeded||"));
    let kept = unneeded(&there, Some("a file could not be read"));
    assert_eq!(kept.map(|one| shown(&one)).as_deref(), Some("keep||secret-unneeded|"));
    assert!(unneeded(&existing(Kind::Sealed), None).is_none());
}
