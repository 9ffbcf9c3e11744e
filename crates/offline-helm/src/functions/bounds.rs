//! How long a text may get.

/// As many bytes as a text may get from one call.
pub(super) const MOST_BYTES: usize = 64 << 20;

/// The error of a text that is too long.
pub(super) fn too_long() -> String {
    format!("the text would have more than {} MiB", MOST_BYTES >> 20)
}
