//! One test binary for everything that looks at pullcred from outside.
