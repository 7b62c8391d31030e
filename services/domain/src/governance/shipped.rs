//! The roles that the shipped processes speak of, and a proposal of who answers for what in them.

use super::Governance;

/// Roles and proposed responsibilities; nobody holds any role.
pub fn shipped() -> Governance {
    // A file that does not parse would leave nothing here; a test counts.
    serde_json::from_str(include_str!("../../processes/governance.json")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::governance::{Reason, Review};
    use crate::landscape::Landscape;
    use crate::process;

    #[test]
    fn what_ships_lacks_nothing_but_people() {
        let governance = shipped();
        assert!(governance.roles.values().all(|role| role.check().is_empty()));
        assert!(governance.responsibilities.values().all(|row| row.check().is_empty() && row.proposed));
        let processes = process::shipped();
        let activities: usize = processes.iter().map(|process| process.activities.len()).sum();
        assert_eq!(governance.responsibilities.len(), activities);
        let landscape = Landscape::default();
        let on = jiff::civil::date(2026, 3, 2);
        let gaps =
            Review { governance: &governance, processes: &processes, landscape: &landscape, on }.gaps(None, None);
        let other: Vec<_> = gaps.iter().filter(|gap| gap.reason != Reason::RoleVacant).collect();
        assert!(other.is_empty(), "{other:?}");
        assert_eq!(gaps.len(), governance.roles.len(), "every role is used");
    }
}
