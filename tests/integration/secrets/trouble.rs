//! Disks that are full, files that cannot be opened, runs that are ended: the message names file and cause, and whatever is on
//! the disk is whole.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::{BOTH, NO_ONE, PASSWORD, Repo, USER, all_files, changed, key, recipient, secret};
use crate::support::{Ended, run};

/// Other credentials than those that were written.
const OTHERS: [(&str, &str); 2] = [USER, ("ACR_PASSWORD", "another")];

/// Arguments and environment.
#[cfg(unix)]
type Call<'c> = (&'c [&'c str], &'c [(&'c str, &'c str)]);

/// No file that somebody may have to clear away, and none that is cut short.
fn is_whole(repo: &Repo) {
    for (path, bytes) in all_files(repo.0.root()) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!path.to_string_lossy().ends_with(".tmp"), "{} was left behind", path.display());
        let is_secret =
            path.extension().is_some_and(|ending| ending == "yaml") && text.contains("kind: Secret");
        assert!(!is_secret || text.ends_with("version: 3.13.3\n"), "{} is cut short", path.display());
        assert!(!text.contains(PASSWORD.1) && !text.contains(OTHERS[1].1), "{} is in clear", path.display());
    }
}

/// Runs the program where no file can grow beyond half a kilobyte, as where a disk has no more room.
#[cfg(unix)]
fn without_room(repo: &Repo, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let mut command: Command = repo.0.command("sh");
    command
        .args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_pullcred")])
        .args(arguments)
        .envs(environment.iter().copied())
        .env("PULLCRED_TRUST", "all")
        .env("PATH", "/usr/bin:/bin");
    run(&mut command, b"")
}

#[cfg(unix)]
#[test]
fn where_there_is_no_room_everything_stays_as_it_was() {
    let repo = Repo::new();
    repo.write("clusters/prod/kustomization.yaml", "resources: []\n");
    let mine = key("age.txt");
    let commands: [Call<'_>; 2] = [(&["sync"], BOTH), (&["encrypt"], BOTH)];
    for (arguments, environment) in commands {
        let before = repo.0.snapshot();
        let ended = without_room(&repo, arguments, environment);
        let told = ended.messages();
        assert_eq!(ended.status, 2, "{told}");
        assert!(told.contains(&format!("{}: File too large", secret("shop"))), "{told}");
        assert_eq!(changed(&before, &repo.0.snapshot()), [""; 0], "{told}");
        is_whole(&repo);
    }
    repo.run(0, &["sync"], BOTH);
    repo.replace(
        ".pullcred.yaml",
        "recipients: [",
        &format!("recipients: [{}, ", recipient("age-second.txt")),
    );
    let commands: [Call<'_>; 4] = [
        (&["sync"], &OTHERS),
        (&["sync", "-i", &mine], NO_ONE),
        (&["updatekeys", "-i", &mine], NO_ONE),
        (&["rotate", "-i", &mine], NO_ONE),
    ];
    for (arguments, environment) in commands {
        let before = repo.0.snapshot();
        let ended = without_room(&repo, arguments, environment);
        let told = ended.messages();
        assert_eq!(ended.status, 2, "{told}");
        assert!(told.contains(&secret("shop")) && told.contains("File too large"), "{told}");
        assert_eq!(changed(&before, &repo.0.snapshot()), [""; 0], "{arguments:?}: {told}");
        is_whole(&repo);
    }
    repo.run(0, &["sync"], BOTH);
    repo.idle(0, &["sync", "--exit-code"], BOTH);
}

#[cfg(unix)]
#[test]
fn a_run_that_is_ended_leaves_whole_files_and_the_next_one_finishes() {
    let repo = Repo::new();
    for number in 0..30 {
        repo.deploy(&format!("n{number}"), "myregistry.azurecr.io/web:v1");
    }
    for (round, pause) in [2, 10, 30, 60, 120].into_iter().enumerate() {
        for signal in ["-TERM", "-INT"] {
            let environment = [USER, ("ACR_PASSWORD", ["one", "two"][round % 2])];
            let mut child =
                repo.command(&["sync", "-q"], &environment).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(pause));
            // It may have ended by itself.
            Command::new("kill")
                .args([signal, &child.id().to_string()])
                .stderr(Stdio::null())
                .status()
                .unwrap();
            child.wait().unwrap();
            for (path, bytes) in all_files(repo.0.root()) {
                let text = String::from_utf8_lossy(&bytes);
                let is_secret =
                    path.extension().is_some_and(|ending| ending == "yaml") && text.contains("kind: Secret");
                assert!(!is_secret || text.ends_with("version: 3.13.3\n"), "{} is cut short", path.display());
            }
        }
    }
    repo.run(0, &["sync"], BOTH);
    repo.idle(0, &["sync", "--exit-code"], BOTH);
    repo.idle(0, &["sync", "--exit-code", "-i", &key("age.txt")], NO_ONE);
}

/// Somebody took the file over with another key service: nobody here can open it, and it is said for whom it is.
#[test]
fn a_file_for_a_foreign_key_service_is_named_and_stays() {
    let repo = Repo::new();
    repo.run(0, &["sync"], BOTH);
    let text = repo.read(&secret("shop"));
    let (head, rest) = text.split_once("    age:\n").unwrap();
    let tail = &rest[rest.find("    encrypted_regex:").unwrap()..];
    let pgp = "    pgp:\n        - created_at: \"2026-01-01T00:00:00Z\"\n          enc: |-\n            -----BEGIN PGP MESSAGE-----\n            -----END PGP MESSAGE-----\n          fp: FBC7B9E2A4F9289AC0C1D4843D16CEE4A27381B4\n";
    repo.write(&secret("shop"), &format!("{head}{pgp}{tail}"));
    let mine = key("age.txt");
    let told = repo.idle(2, &["show", &secret("shop"), "-i", &mine], NO_ONE).messages();
    assert!(told.contains(&secret("shop")) && told.contains("pgp"), "{told}");
    for command in ["updatekeys", "rotate"] {
        let told = repo.run(2, &[command, "-i", &mine], NO_ONE).messages();
        assert!(told.contains(&format!("{}: ", secret("shop"))) && told.contains("pgp"), "{told}");
    }
    let found = repo.idle(1, &["check"], NO_ONE).data();
    assert!(found.contains("[recipient-unexpected]") && found.contains("pgp"), "{found}");
    // With the credentials at hand it is written anew.
    assert_eq!(repo.changes(&["sync"], BOTH), [secret("shop")]);
}

#[test]
fn whoever_is_no_recipient_is_told_so_by_every_command() {
    let repo = Repo::new();
    repo.run(0, &["sync"], BOTH);
    let stranger = key("age-stranger.txt");
    repo.replace(
        ".pullcred.yaml",
        "recipients: [",
        &format!("recipients: [{}, ", recipient("age-second.txt")),
    );
    for command in
        [&["show", &secret("shop")][..], &["updatekeys"], &["rotate"], &["generate", "--decrypt", "."]]
    {
        let told = repo.idle(2, &[command, &["-i", &stranger]].concat(), NO_ONE).messages();
        assert!(told.contains("none of the identities is a recipient"), "{command:?}: {told}");
        assert!(told.contains("acr-secret"), "{command:?}: {told}");
    }
}
