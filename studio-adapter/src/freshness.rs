//! The freshness badge: what the runtime says of its snapshot against the disk, in words.
//!
//! Every state has a label of its own, so that none passes for another; above all nothing passes for verified. Which
//! state holds is the runtime's knowledge, and so is how it can end.

use packer_events::record::UnknownCause;
use packer_runtime::api::Freshness;
use serde::Serialize;

/// What is known of the shown snapshot against the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FreshnessBadge {
    /// The state.
    pub state: FreshnessState,
    /// What the badge says.
    pub label: String,
    /// What it says on a closer look, in one sentence without a final period.
    pub detail: String,
    /// When the observation ended that verified it: UTC, such as `2026-11-22T09:00:00.123Z`.
    pub verified_at: Option<String>,
    /// The paths that may differ, below the assets root.
    pub paths: Vec<String>,
    /// Whether the registry may differ.
    pub registry: bool,
    /// Whether the configuration may differ.
    pub configuration: bool,
    /// The operation that has to be recovered.
    pub operation_id: Option<String>,
}

/// The states of freshness, as the packer has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FreshnessState {
    /// A completed observation gave the snapshot.
    Verified,
    /// Some paths may differ.
    Dirty,
    /// Anything may differ.
    Unknown,
    /// A commit neither happened nor did not.
    RecoveryRequired,
}

impl FreshnessBadge {
    /// The badge of `freshness`.
    pub fn of(freshness: &Freshness) -> Self {
        let badge = |state, label: &str, detail: String| Self {
            state,
            label: label.to_owned(),
            detail,
            verified_at: None,
            paths: Vec::new(),
            registry: false,
            configuration: false,
            operation_id: None,
        };
        match freshness {
            Freshness::Verified { at, watched } => {
                let (label, since) = if *watched {
                    ("Verified", "changes since then are noticed")
                } else {
                    ("Verified once", "changes since then are not noticed")
                };
                let detail = format!("As observed at {at}; {since}");
                Self { verified_at: Some(at.to_string()), ..badge(FreshnessState::Verified, label, detail) }
            }
            Freshness::Dirty { paths, registry, configuration } => {
                let detail = match (registry, configuration) {
                    (false, false) => "These paths may differ from what is shown",
                    (true, false) => "The registry may differ from what is shown, and these paths, if any",
                    (false, true) => {
                        "The configuration may differ from what is shown, and these paths, if any"
                    }
                    (true, true) => {
                        "Registry and configuration may differ from what is shown, and these paths, if any"
                    }
                };
                Self {
                    paths: paths.iter().map(ToString::to_string).collect(),
                    registry: *registry,
                    configuration: *configuration,
                    ..badge(FreshnessState::Dirty, "May differ", detail.to_owned())
                }
            }
            Freshness::Unknown { cause } => {
                let (label, detail) = unknown(*cause);
                badge(FreshnessState::Unknown, label, format!("{detail}; anything may differ"))
            }
            Freshness::RecoveryRequired { operation_id } => {
                let detail = format!(
                    "Operation {operation_id} stopped amid its commit; nothing can commit until it is recovered"
                );
                Self {
                    operation_id: Some(operation_id.to_string()),
                    ..badge(FreshnessState::RecoveryRequired, "Recovery required", detail)
                }
            }
        }
    }
}

fn unknown(cause: UnknownCause) -> (&'static str, &'static str) {
    match cause {
        UnknownCause::Overflow => ("Unknown: changes were lost", "The watcher lost events"),
        UnknownCause::WatchLost => ("Unknown: not watched any more", "The watcher is gone"),
        UnknownCause::ScanInterrupted => ("Unknown: scan interrupted", "A scan did not complete"),
        UnknownCause::ChangedOutside => ("Unknown: changed outside", "Another process committed"),
        UnknownCause::NotObserved => ("Unknown: not observed yet", "Nothing was observed yet"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use packer_events::time::Timestamp;
    use packer_runtime::api::{AssetPath, OperationId, UuidDraw};

    use super::*;

    /// Every state, and every cause and nuance that has its own words.
    fn catalogue() -> Vec<Freshness> {
        let at = Timestamp::from_unix_ms(1_795_338_000_123);
        let paths = ["ui/a.png", "ui/b.png"].map(|path| AssetPath::parse(path).unwrap()).to_vec();
        let operation_id = OperationId::drawn(UuidDraw { unix_ms: 1_795_338_000_000, entropy: [7; 16] });
        vec![
            Freshness::Verified { at, watched: true },
            Freshness::Verified { at, watched: false },
            Freshness::Dirty { paths, registry: false, configuration: false },
            Freshness::Unknown { cause: UnknownCause::Overflow },
            Freshness::Unknown { cause: UnknownCause::WatchLost },
            Freshness::Unknown { cause: UnknownCause::ScanInterrupted },
            Freshness::Unknown { cause: UnknownCause::ChangedOutside },
            Freshness::Unknown { cause: UnknownCause::NotObserved },
            Freshness::RecoveryRequired { operation_id },
        ]
    }

    #[test]
    fn every_state_has_a_badge_of_its_own() {
        let badges: Vec<FreshnessBadge> = catalogue().iter().map(FreshnessBadge::of).collect();
        insta::assert_json_snapshot!("badges", badges);
        let labels: BTreeSet<&str> = badges.iter().map(|badge| badge.label.as_str()).collect();
        assert_eq!(labels.len(), badges.len(), "two states have one label: {labels:?}");
    }

    #[test]
    fn only_a_verified_state_says_verified() {
        for freshness in catalogue() {
            let badge = FreshnessBadge::of(&freshness);
            let verified = matches!(freshness, Freshness::Verified { .. });
            assert_eq!(badge.state == FreshnessState::Verified, verified, "{freshness:?}");
            assert_eq!(badge.verified_at.is_some(), verified, "{freshness:?}");
            assert_eq!(badge.label.to_lowercase().contains("verified"), verified, "{freshness:?}");
        }
    }
}
