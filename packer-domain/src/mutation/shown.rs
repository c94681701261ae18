//! What is kept of a plan that was shown to somebody, for carrying out that one and no other: the request, its effects,
//! and what it was planned for.
//!
//! It is what a plan in memory and one that was read from a file have in common. Contents of files are not in it: the
//! digests stand for them, and what is carried out is planned again. Reading files of plans is `packer-fs`'s, comparing
//! `packer-runtime`'s.

use crate::identity::{Digest, LineageId};

use super::plan::{effects_digest, plan_digest};
use super::{FilesystemMutation, Mutation, MutationPlan, RegistryMutation, SeenPath, Verdict};

/// A plan as it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownPlan {
    /// What was asked for.
    pub mutation: Mutation,
    /// The project that it was made for.
    pub lineage: LineageId,
    /// Digest of the configuration that it was made with, if it is known.
    pub configuration: Option<Digest>,
    /// Whether it could be applied.
    pub verdict: Verdict,
    /// What would change in the registry.
    pub registry_mutations: Vec<RegistryMutation>,
    /// What would change on disk. Of edits without the contents and the size before, which are empty and zero.
    pub filesystem_mutations: Vec<FilesystemMutation>,
    /// What it depends on.
    pub seen: Vec<SeenPath>,
    /// Digest of its effects, as it says itself.
    pub effects_digest: Digest,
    /// Digest of the whole, as it says itself.
    pub plan_digest: Digest,
}

impl ShownPlan {
    /// Whether it is not, or not any more, what its digests were made of.
    pub fn is_altered(&self) -> bool {
        let effects = effects_digest(self.verdict, &self.registry_mutations, &self.filesystem_mutations);
        let plan =
            plan_digest(&self.mutation, self.lineage, self.configuration, &self.seen, self.effects_digest);
        effects != self.effects_digest || plan != self.plan_digest
    }
}

impl From<MutationPlan> for ShownPlan {
    fn from(plan: MutationPlan) -> Self {
        let mut filesystem_mutations = plan.filesystem_mutations;
        for step in &mut filesystem_mutations {
            if let FilesystemMutation::Edit { before_size, contents, .. } = step {
                *before_size = 0;
                *contents = String::new();
            }
        }
        Self {
            mutation: plan.mutation,
            lineage: plan.lineage,
            configuration: plan.configuration,
            verdict: plan.verdict,
            registry_mutations: plan.registry_mutations,
            filesystem_mutations,
            seen: plan.seen,
            effects_digest: plan.effects_digest,
            plan_digest: plan.plan_digest,
        }
    }
}
