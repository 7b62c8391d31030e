//! The processes that are published at first start.

use super::Process;

const DEFINITIONS: [&str; 4] = [
    include_str!("../../processes/incident.json"),
    include_str!("../../processes/service_request.json"),
    include_str!("../../processes/problem.json"),
    include_str!("../../processes/change.json"),
];

/// Incident, service request, problem and change, in this order.
pub fn shipped() -> Vec<Process> {
    // A definition that does not parse would be missing here; a test counts them.
    DEFINITIONS.iter().filter_map(|text| serde_json::from_str(text).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_process_parses_and_has_no_finding() {
        let processes = shipped();
        assert_eq!(processes.len(), DEFINITIONS.len());
        for process in processes {
            assert_eq!(process.check(), [], "{}", process.id);
        }
    }

    #[test]
    fn shipped_processes_have_distinct_ids_practices_and_prefixes() {
        let processes = shipped();
        for (index, one) in processes.iter().enumerate() {
            for other in &processes[index + 1..] {
                assert_ne!(one.id, other.id);
                assert_ne!(one.practice, other.practice);
                assert_ne!(one.ticket_prefix, other.ticket_prefix);
            }
        }
    }

    #[test]
    fn a_definition_survives_being_written_and_read() {
        for process in shipped() {
            let text = serde_json::to_string(&process).unwrap();
            assert_eq!(serde_json::from_str::<Process>(&text).unwrap(), process);
        }
    }
}
