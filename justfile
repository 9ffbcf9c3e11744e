# Short names for the commands of CONTRIBUTING.md; none of them needs `just`.

# All that has to hold before a change lands.
check:
    .ci/run

# Only the Rust tests.
test *filter:
    cargo test --workspace {{filter}}

# The checks against real programs: all, or those named.
e2e *names:
    e2e/run {{names}}

# Speed: of the parts, then of the whole program beside others.
bench:
    cargo bench
    benches/compare.sh
