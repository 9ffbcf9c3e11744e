//! Findings: facts about the user's tree, each with a stable code.
//!
//! Every code is listed here once, and explained in `docs/codes.md`. A finding is not an error of the program.

use std::fmt;

use lossless_yaml::span::Position;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; never fails a run.
    Note,
    /// Fails a run with `--strict`.
    Warning,
    /// Fails `check`.
    Error,
}

impl Severity {
    /// The word used in every output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A fact about the user's tree.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Finding {
    /// What kind of fact.
    pub code: Code,
    /// How much it matters here.
    pub severity: Severity,
    /// File, relative to the repository's root.
    pub file: String,
    /// Where in the file.
    pub position: Position,
    /// One sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The object it is about.
    pub object: Option<ObjectRef>,
}

/// The object of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectRef {
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// Its namespace where one is known.
    pub namespace: Option<String>,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $severity:ident, $group:ident, $about:literal;)+) => {
        /// The stable name of a kind of finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $(#[doc = $about] $variant,)+ }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The kebab-case name shown to people and machines.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The severity unless configured otherwise.
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)+ }
            }

            /// One line on what it means.
            pub fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)+ }
            }

            /// Whether it says that something was passed over; such findings are counted apart.
            pub fn is_skip(self) -> bool {
                match self { $(Self::$variant => codes!(@skip $group),)+ }
            }
        }
    };
    (@skip skip) => { true };
    (@skip fact) => { false };
}

codes! {
    PullSecretMissing = "pull-secret-missing", Error, fact, "a pod spec lacks a pull secret that its images need";
    ServiceAccountShadowed = "service-account-shadowed", Warning, fact, "a pod's own list of pull secrets switches off its ServiceAccount's";
    ServiceAccountMissing = "service-account-missing", Warning, fact, "a ServiceAccount that should list a pull secret is not in the repository";
    AnchorShared = "anchor-shared", Error, fact, "a pod spec is shared by aliases whose users need different pull secrets";
    EditRefused = "edit-refused", Error, fact, "a pod spec cannot be edited with certainty";
    JobImmutable = "job-immutable", Note, fact, "an existing Job takes no new pull secret; it must be replaced";
    DuplicateEntry = "duplicate-entry", Warning, fact, "a pull secret is listed twice";
    CredentialMissing = "credential-missing", Warning, fact, "no source has a credential that a Secret needs";
    CredentialMalformed = "credential-malformed", Error, fact, "a source has something that is no credential";
    TokenExpired = "token-expired", Error, fact, "a credential has expired";
    TokenShortLived = "token-short-lived", Error, fact, "a credential expires too soon to be kept in Git";
    IdentityTokenIgnored = "identity-token-ignored", Warning, fact, "a source has an identity token only, which a kubelet ignores";
    SecretNotShipped = "secret-not-shipped", Error, fact, "a pull secret is named whose Secret is not in that namespace";
    RegistryUncovered = "registry-uncovered", Error, fact, "a Secret is there, but no key of it matches the image";
    NamespaceUnknown = "namespace-unknown", Note, fact, "nothing tells where a pod runs, so no Secret can be placed";
    SecretPlaintext = "secret-plaintext", Error, fact, "a registry credential is in the repository in clear";
    SecretMalformed = "secret-malformed", Error, fact, "a registry Secret is of no use to a kubelet";
    SecretStale = "secret-stale", Error, fact, "a Secret of ours is not what the configuration asks for";
    RecipientUnexpected = "recipient-unexpected", Error, fact, "somebody can open a Secret who is not configured to";
    RecipientUntrusted = "recipient-untrusted", Error, fact, "credentials would be encrypted for a grant that this clone has not agreed to";
    SecretUnverified = "secret-unverified", Note, fact, "a Secret of ours cannot be compared with the credentials";
    SecretDamaged = "secret-damaged", Error, fact, "an encrypted Secret does not verify";
    SecretUnneeded = "secret-unneeded", Warning, fact, "a Secret of ours is where none is wanted";
    SecretUnlisted = "secret-unlisted", Error, fact, "the kustomization next to a Secret of ours does not list it";
    OutputOccupied = "output-occupied", Error, fact, "a file that is not ours is where a Secret belongs";
    IgnoreInvalid = "ignore-invalid", Warning, fact, "a comment that should ignore a finding does not";
    ParseError = "parse-error", Error, fact, "a file cannot be read";
    ChartNoHook = "chart-no-hook", Error, fact, "no value that can be written gives a chart's pods the pull secret that they need";
    ChartUnknown = "chart-unknown", Warning, fact, "a chart is deployed that is not in the repository, so its pods are not known";
    ChartFails = "chart-fails", Error, fact, "the chart of a release does not render with its values, so nothing of it is known";
    ChartFactsStale = "chart-facts-stale", Note, fact, "what is known of a chart was measured with another version than a release asks for";
    ImageMentioned = "image-mentioned", Warning, fact, "an image is named for a workload that is not known, and nothing gives it its pull secret";
    BuildFails = "build-fails", Warning, fact, "a kustomization cannot be built, so nothing of it is deployed";
    LoadRestricted = "load-restricted", Note, fact, "a kustomization reads a file outside of its folder";
    RemoteBaseUnknown = "remote-base-unknown", Note, skip, "a build takes in what exists only online";
    ImageUnknown = "image-unknown", Note, skip, "nothing tells which image runs, so what it needs is not known";
    BuildUnknowable = "build-unknowable", Note, skip, "a Helm chart, a function or a generator makes a build unknowable";
    TemplateSkipped = "template-skipped", Note, skip, "a template is no manifest yet and was left alone";
    FragmentSkipped = "fragment-skipped", Note, skip, "a patch or fragment of a workload was left alone";
    EncryptedSkipped = "encrypted-skipped", Note, skip, "an encrypted object was left alone";
    UnknownKindSkipped = "unknown-kind-skipped", Note, skip, "a kind that runs containers is not in the catalog";
    OptOutSkipped = "opt-out-skipped", Note, skip, "an object or file opted out";
    FileTooLarge = "file-too-large", Note, skip, "a file is over the size limit and was not read";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
