//! A process as a Mermaid state diagram.

use std::fmt::Write as _;

use super::{Category, Process};

impl Process {
    /// The diagram as text. Deterministic: states and transitions in the order of the definition.
    pub fn to_mermaid(&self) -> String {
        let mut out = String::from("stateDiagram-v2\n");
        // Writing to a string cannot fail.
        for state in &self.states {
            let _ = writeln!(out, "    {}: {}", state.id, label(&state.display_name));
        }
        let _ = writeln!(out, "    [*] --> {}", self.initial);
        for transition in &self.transitions {
            let mut text = label(&transition.display_name);
            if let Some(role) = &transition.guard.role {
                let _ = write!(text, " ({})", label(role));
            }
            if !transition.guard.fields.is_empty() {
                let _ = write!(text, " [{}]", label(&transition.guard.fields.join(", ")));
            }
            if !transition.guard.approvals.is_empty() {
                let _ = write!(text, " {{{}}}", label(&transition.guard.approvals.join(", ")));
            }
            for from in &transition.from {
                let _ = writeln!(out, "    {from} --> {}: {text}", transition.to);
            }
        }
        for state in self.states.iter().filter(|state| state.category.is_final()) {
            let _ = writeln!(out, "    {} --> [*]", state.id);
        }
        for category in Category::ALL {
            let ids: Vec<&str> =
                self.states.iter().filter(|state| state.category == category).map(|state| state.id.as_str()).collect();
            if !ids.is_empty() {
                let class = category.as_str().to_lowercase();
                let _ = writeln!(out, "    class {} {class}", ids.join(","));
            }
        }
        out
    }
}

/// Text that Mermaid takes as a label: `:`, `;`, `#`, quotes and line breaks end or alter one.
fn label(text: &str) -> String {
    text.chars().map(|c| if matches!(c, ':' | ';' | '#' | '"' | '\n' | '\r') { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use crate::process::shipped;

    #[test]
    fn the_diagram_of_the_incident_process() {
        insta::assert_snapshot!(shipped()[0].to_mermaid());
    }

    #[test]
    fn a_label_cannot_break_the_diagram() {
        let mut process = shipped().remove(0);
        process.states[0].display_name = "New: x\n[*] --> closed".into();
        assert_eq!(process.to_mermaid().lines().count(), shipped()[0].to_mermaid().lines().count());
    }
}
