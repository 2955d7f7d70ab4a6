//! Ids: a prefix and a UUIDv7, sortable by time, shown as TypeIDs (`task_01h455vb4pex5vsknk084sn02q`).
//!
//! New ids are made outside core, which has no randomness, and come in through `from_uuid`.
//! Source: the TypeID specification 0.3 (Crockford base 32 of the 128 bits, 26 characters, lower case).

use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const SUFFIX_LEN: usize = 26;

/// Text that is not an id of the expected sort.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a {prefix} id: it should look like {prefix}_ and 26 characters")]
pub struct BadId {
    /// The prefix that was expected.
    pub prefix: &'static str,
    /// The text that was given.
    pub given: String,
}

fn encode(uuid: Uuid) -> [u8; SUFFIX_LEN] {
    let bits = uuid.as_u128();
    let mut suffix = [0; SUFFIX_LEN];
    for (index, slot) in suffix.iter_mut().enumerate() {
        let shift = 5 * (SUFFIX_LEN - 1 - index);
        *slot = ALPHABET[usize::from((bits >> shift) as u8 & 31)];
    }
    suffix
}

fn decode(suffix: &str) -> Option<Uuid> {
    // 26 × 5 = 130 bits: the first character carries only three.
    if suffix.len() != SUFFIX_LEN || suffix.as_bytes()[0] > b'7' {
        return None;
    }
    let mut bits: u128 = 0;
    for byte in suffix.bytes() {
        let value = ALPHABET.iter().position(|letter| *letter == byte)?;
        bits = (bits << 5) | value as u128;
    }
    Some(Uuid::from_u128(bits))
}

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident = $prefix:literal,)+) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// What stands before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// The id with these bits.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self { Self(uuid) }

            /// The bits, as the database keeps them.
            #[must_use]
            pub const fn uuid(self) -> Uuid { self.0 }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!($prefix, "_"))?;
                f.write_str(std::str::from_utf8(&encode(self.0)).map_err(|_| std::fmt::Error)?)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(decode)
                    .map(Self)
                    .ok_or_else(|| BadId { prefix: $prefix, given: text.to_owned() })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> { serializer.collect_str(self) }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <std::borrow::Cow<'de, str>>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )+ };
}

ids! {
    /// Who pays.
    AccountId = "acct",
    /// A class of accounts.
    GroupId = "grp",
    /// An API key.
    KeyId = "key",
    /// One account at one provider.
    PlatformId = "plat",
    /// A secret of a platform.
    CredentialId = "cred",
    /// A public model.
    ModelId = "model",
    /// A model as one platform offers it.
    PlatformModelId = "pm",
    /// One immutable version of a price.
    PriceId = "price",
    /// A policy set.
    PolicySetId = "pset",
    /// One version of the runner policy.
    RunnerPolicyId = "rpol",
    /// One piece of work.
    TaskId = "task",
    /// The same as its task's, as OpenAI's SDKs have it.
    VideoId = "video",
    /// One call of one candidate.
    AttemptId = "att",
    /// One row of the ledger.
    EntryId = "entry",
    /// A running gateway process.
    NodeId = "node",
    /// One row of the audit log.
    AuditId = "audit",
    /// Something that was generated, or given to generate from, and is kept.
    AssetId = "asset",
    /// What one receiver is told of one task.
    CallbackId = "cb",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_what_they_show() {
        let id = TaskId::from_uuid(Uuid::from_u128(0x0188_bac7_4afa_78aa_bc3b_bd1e_ef28_d881));
        // The example of the TypeID specification.
        assert_eq!(id.to_string(), "task_01h2xcejqtf2nbrexx3vqjhp41");
        assert_eq!(id.to_string().parse::<TaskId>(), Ok(id));
    }

    #[test]
    fn an_id_of_another_sort_is_refused() {
        for text in ["", "task_", "key_01h2xcejqtf2nbrexx3vqjhp41", "task_81h2xcejqtf2nbrexx3vqjhp41", "task_01H2XCEJQTF2NBREXX3VQJHP41"] {
            assert!(text.parse::<TaskId>().is_err(), "{text}");
        }
    }

    #[test]
    fn ids_sort_as_their_text() {
        let (early, late) = (TaskId::from_uuid(Uuid::from_u128(5)), TaskId::from_uuid(Uuid::from_u128(1 << 100)));
        assert!(early < late && early.to_string() < late.to_string());
    }
}
