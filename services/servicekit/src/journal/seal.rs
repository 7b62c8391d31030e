//! Seals: what is hashed and how, and what damage a seal shows. Without a database: an export is checked by the same
//! code. The encoding stands in docs/journal.md, byte by byte, and is never changed.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt;

use domain::privacy;
use sha2::{Digest as _, Sha256};

use super::json::Json;

/// A SHA-256.
pub type Digest = [u8; 32];

/// What a fact says, in the order in which it is hashed.
pub const FIELDS: [&str; 12] = [
    "change_id",
    "last_of_change",
    "occurred_at_us",
    "source_recorded_at_us",
    "source_sequence",
    "actor",
    "customer_id",
    "audience",
    "subject",
    "subject_version",
    "kind",
    PAYLOAD,
];

/// The field that holds JSON.
pub const PAYLOAD: &str = "payload";

/// Hashes texts, each after its length in bytes as four bytes, the highest first.
fn digest<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Digest {
    let mut hasher = Sha256::new();
    for text in texts {
        let text = text.as_ref().as_bytes();
        hasher.update(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        hasher.update(text);
    }
    hasher.finalize().into()
}

/// A fact with its place, as texts: whatever stands in the database can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Place in the order.
    pub seq: i64,
    /// Place in the table.
    pub position: i64,
    /// When it was put in order, in microseconds since 1970.
    pub recorded_at_us: String,
    /// The values of [`FIELDS`]. `None`: it has a place and is not there.
    pub content: Option<Vec<String>>,
    /// What stands beside it, as JSON; no seal is over it. `None`: nothing does.
    pub private: Option<String>,
}

impl Fact {
    /// The digest of what it says, wherever it stands; `None` when it is not there.
    pub fn digest(&self) -> Option<Digest> {
        let content = self.content.as_ref()?;
        let texts = FIELDS.iter().zip(content).map(|(field, text)| {
            let canonical = if *field == PAYLOAD { Json::parse(text) } else { None };
            canonical.map_or_else(|| text.clone(), |json| json.to_string())
        });
        Some(digest(std::iter::once("itsm.fact.v1".to_owned()).chain(texts)))
    }
}

impl Fact {
    fn field(&self, name: &str) -> &str {
        let place = FIELDS.iter().position(|field| *field == name);
        let content = self.content.as_ref();
        content.and_then(|content| content.get(place?)).map_or("", String::as_str)
    }
}

/// A token whose value does not stand beside its fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Place of the fact.
    pub seq: i64,
    /// What the fact is about.
    pub subject: String,
    /// The token.
    pub token: String,
}

/// What stands beside facts, compared with the tokens in them.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    /// What is not there and of which no fact was seen yet that says it was erased.
    pub lost: Vec<Lost>,
    /// What was erased, as facts on record say.
    pub erased: i64,
    /// What is wrong.
    pub damages: Vec<Damage>,
    /// Tokens that facts say were erased, while not everything was looked at.
    listed: HashSet<String>,
}

impl Texts {
    fn take(&mut self, fact: &Fact) {
        let kind = fact.field("kind");
        if !privacy::concerns(kind) {
            if fact.content.is_some() && fact.private.is_some() {
                self.damaged(Kind::TextChanged, fact.seq);
            }
            return;
        }
        let payload: serde_json::Value = serde_json::from_str(fact.field(PAYLOAD)).unwrap_or_default();
        if privacy::is_erasure(kind) {
            self.list(privacy::erased_by(&payload));
        }
        let mut tokens = Vec::new();
        privacy::tokens(&fact.field("actor").into(), &mut tokens);
        privacy::tokens(&payload, &mut tokens);
        let read = fact.private.as_deref().map(privacy::Private::from_json).transpose();
        let Ok(private) = read.map(Option::unwrap_or_default) else {
            return self.damaged(Kind::TextChanged, fact.seq);
        };
        let is_known = |token: &str| tokens.iter().any(|known| known == token);
        if private.iter().any(|(token, salt, text)| !is_known(token) || !proves(token, salt, text)) {
            self.damaged(Kind::TextChanged, fact.seq);
        }
        let is_there = |token: &str| private.get(token).is_some_and(|(salt, _)| !salt.is_empty());
        let subject = fact.field("subject");
        let lost = tokens.iter().filter(|token| !is_there(token));
        self.lost.extend(lost.map(|token| Lost { seq: fact.seq, subject: subject.to_owned(), token: token.clone() }));
    }

    /// Notes that facts say that these were erased.
    pub fn list(&mut self, tokens: impl IntoIterator<Item = String>) {
        self.listed.extend(tokens);
    }

    /// When all that was erased is listed: what is not there and was not erased is missing.
    pub fn settle(&mut self) {
        for lost in std::mem::take(&mut self.lost) {
            if self.listed.contains(&lost.token) {
                self.erased += 1;
            } else {
                self.damaged(Kind::TextMissing, lost.seq);
            }
        }
        self.listed.clear();
        self.damages.sort_by_key(|damage| damage.first_seq);
    }

    fn damaged(&mut self, kind: Kind, seq: i64) {
        let damage = Damage { kind, first_seq: seq, last_seq: seq };
        if self.damages.last() != Some(&damage) {
            self.damages.push(damage);
        }
    }
}

/// Whether a value is the one of its token, or what an erased person is called.
fn proves(token: &str, salt: &str, text: &str) -> bool {
    match privacy::Kind::of(token) {
        Some(privacy::Kind::Person) if salt.is_empty() => privacy::is_erased(text),
        Some(kind) => !salt.is_empty() && privacy::token(kind, salt, text) == token,
        None => false,
    }
}

fn places_of(facts: &[Fact]) -> Digest {
    digest(facts.iter().flat_map(|fact| [fact.seq.to_string(), fact.position.to_string(), fact.recorded_at_us.clone()]))
}

/// A seal over the facts of a range of the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Place of its first fact.
    pub first_seq: i64,
    /// Place of its last fact.
    pub last_seq: i64,
    /// When it was made, in microseconds since 1970.
    pub sealed_at_us: String,
    /// Digest of the places of its facts.
    pub places: Digest,
    /// Digest of each of its facts.
    pub facts: Vec<Digest>,
    /// What the next seal follows.
    pub hash: Digest,
}

impl Seal {
    /// Seals facts that follow each other without a gap; the place that is empty if one is, or 0 for no facts at all.
    pub fn over(journal: &str, previous: Option<&Digest>, facts: &[Fact], sealed_at_us: String) -> Result<Self, i64> {
        let (Some(first), Some(last)) = (facts.first(), facts.last()) else { return Err(0) };
        let mut digests = Vec::with_capacity(facts.len());
        for (wanted, fact) in (first.seq..).zip(facts) {
            digests.push(fact.digest().filter(|_| fact.seq == wanted).ok_or(wanted)?);
        }
        let mut seal = Self {
            first_seq: first.seq,
            last_seq: last.seq,
            sealed_at_us,
            places: places_of(facts),
            facts: digests,
            hash: [0; 32],
        };
        seal.hash = seal.hash_after(journal, previous);
        Ok(seal)
    }

    /// The hash that it must have after the one before it.
    fn hash_after(&self, journal: &str, previous: Option<&Digest>) -> Digest {
        digest([
            "itsm.seal.v1".to_owned(),
            journal.to_owned(),
            previous.map(hex::encode).unwrap_or_default(),
            self.first_seq.to_string(),
            self.last_seq.to_string(),
            self.sealed_at_us.clone(),
            hex::encode(self.places),
            hex::encode(digest(self.facts.iter().map(hex::encode))),
        ])
    }

    /// What is not as it was sealed, in order. Nothing: it is intact.
    fn check(&self, journal: &str, previous: Option<&Digest>, found: &[Fact]) -> Vec<Damage> {
        let sealed = |kind| Damage { kind, first_seq: self.first_seq, last_seq: self.last_seq };
        let anew = Self::over(journal, previous, found, self.sealed_at_us.clone());
        if anew.as_ref() == Ok(self) {
            return Vec::new();
        }
        if anew.is_ok_and(|anew| anew.hash == self.hash) {
            // The facts are proven; what the seal keeps beside its hash was changed.
            return vec![sealed(Kind::SealChanged)];
        }
        let mut damages = Vec::new();
        if self.hash_after(journal, previous) != self.hash {
            damages.push(sealed(Kind::SealChanged));
        }
        damages.extend(self.compare(found));
        if damages.is_empty() {
            damages.push(sealed(Kind::PlaceChanged));
        }
        damages
    }

    /// Tells by the digests which facts are not what they were: those that still follow each other as they did are the
    /// frame, and what is between them was changed, inserted, moved, or is missing.
    fn compare(&self, found: &[Fact]) -> Vec<Damage> {
        let there: Vec<(i64, Digest)> = found.iter().filter_map(|fact| Some((fact.seq, fact.digest()?))).collect();
        if there.iter().map(|(_, digest)| digest).eq(&self.facts) {
            return Vec::new();
        }
        if let Some(marks) = self.rearranged(&there) {
            return marks.damages();
        }
        let mut sealed: HashMap<&Digest, VecDeque<usize>> = HashMap::new();
        for (index, digest) in self.facts.iter().enumerate() {
            sealed.entry(digest).or_default().push_back(index);
        }
        let known: Vec<Option<usize>> =
            there.iter().map(|(_, digest)| sealed.get_mut(digest).and_then(VecDeque::pop_front)).collect();
        let kept = longest_rise(&known);
        let moved: HashSet<usize> =
            known.iter().enumerate().filter(|(at, _)| !kept.contains(at)).filter_map(|(_, index)| *index).collect();

        let mut marks = Marks::default();
        let mut lost: VecDeque<usize> = VecDeque::new();
        let mut strange: VecDeque<i64> = VecDeque::new();
        let mut next = 0;
        for (at, (seq, _)) in there.iter().enumerate() {
            match known.get(at).copied().flatten() {
                Some(index) if kept.contains(&at) => {
                    lost.extend((next..index).filter(|index| !moved.contains(index)));
                    self.pair(&mut lost, &mut strange, &mut marks);
                    marks.settle(&mut lost, &mut strange, |index| self.seq_at(index));
                    next = index + 1;
                }
                Some(_) => marks.put(Kind::Moved, *seq),
                None => strange.push_back(*seq),
            }
        }
        lost.extend((next..self.facts.len()).filter(|index| !moved.contains(index)));
        self.pair(&mut lost, &mut strange, &mut marks);
        // What an inserted fact pushed over the end, or what took the place of one that was taken out.
        if found.len() == self.facts.len() {
            if strange.is_empty() && marks.count(Kind::Inserted) == lost.len() {
                lost.clear();
            }
            if lost.is_empty() && marks.count(Kind::Missing) == strange.len() {
                strange.clear();
            }
        }
        marks.settle(&mut lost, &mut strange, |index| self.seq_at(index));
        marks.damages()
    }

    /// The places that hold another fact than they did, where all facts are there and no other.
    fn rearranged(&self, there: &[(i64, Digest)]) -> Option<Marks> {
        let sorted = |digests: &mut Vec<Digest>| digests.sort_unstable();
        let (mut were, mut are) = (self.facts.clone(), there.iter().map(|(_, digest)| *digest).collect());
        sorted(&mut were);
        sorted(&mut are);
        let mut marks = Marks::default();
        for ((seq, digest), sealed) in there.iter().zip(&self.facts) {
            if digest != sealed {
                marks.put(Kind::Moved, *seq);
            }
        }
        (were == are).then_some(marks)
    }

    fn seq_at(&self, index: usize) -> i64 {
        self.first_seq.saturating_add(i64::try_from(index).unwrap_or(i64::MAX))
    }

    /// A fact that is not known, where one is lost, was changed: first those in the same place, then in their order.
    fn pair(&self, lost: &mut VecDeque<usize>, strange: &mut VecDeque<i64>, marks: &mut Marks) {
        strange.retain(|seq| match lost.iter().position(|index| self.seq_at(*index) == *seq) {
            Some(at) => {
                lost.remove(at);
                marks.put(Kind::Changed, *seq);
                false
            }
            None => true,
        });
        while !lost.is_empty() && !strange.is_empty() {
            lost.pop_front();
            if let Some(seq) = strange.pop_front() {
                marks.put(Kind::Changed, seq);
            }
        }
    }
}

/// Places at which something is wrong.
#[derive(Default)]
struct Marks(BTreeSet<(i64, Kind)>);

impl Marks {
    fn put(&mut self, kind: Kind, seq: i64) {
        self.0.insert((seq, kind));
    }

    fn count(&self, kind: Kind) -> usize {
        self.0.iter().filter(|(_, known)| *known == kind).count()
    }

    fn settle(&mut self, lost: &mut VecDeque<usize>, strange: &mut VecDeque<i64>, seq_at: impl Fn(usize) -> i64) {
        lost.drain(..).for_each(|index| self.put(Kind::Missing, seq_at(index)));
        strange.drain(..).for_each(|seq| self.put(Kind::Inserted, seq));
    }

    /// One damage for each run of places with the same.
    fn damages(self) -> Vec<Damage> {
        let mut damages: Vec<Damage> = Vec::new();
        for (seq, kind) in self.0 {
            match damages.last_mut() {
                Some(last) if last.kind == kind && last.last_seq.checked_add(1) == Some(seq) => last.last_seq = seq,
                _ => damages.push(Damage { kind, first_seq: seq, last_seq: seq }),
            }
        }
        damages
    }
}

/// Indices into `known` of a longest run, with gaps, in which the values rise.
fn longest_rise(known: &[Option<usize>]) -> HashSet<usize> {
    let mut tails: Vec<(usize, usize)> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; known.len()];
    for (at, value) in known.iter().enumerate() {
        let Some(value) = value else { continue };
        let length = tails.partition_point(|(tail, _)| tail < value);
        if let (Some(slot), Some((_, at_tail))) = (before.get_mut(at), length.checked_sub(1).and_then(|n| tails.get(n)))
        {
            *slot = Some(*at_tail);
        }
        tails.truncate(length.max(tails.len()));
        match tails.get_mut(length) {
            Some(tail) => *tail = (*value, at),
            None => tails.push((*value, at)),
        }
    }
    let mut kept = HashSet::new();
    let mut at = tails.last().map(|(_, at)| *at);
    while let Some(index) = at {
        kept.insert(index);
        at = before.get(index).copied().flatten();
    }
    kept
}

/// What happened to facts, or to the seal over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// They say something else than they said.
    Changed,
    /// They are not there.
    Missing,
    /// They were not there.
    Inserted,
    /// They stood elsewhere.
    Moved,
    /// They are not there, and nothing after them either.
    CutOff,
    /// The position or the time of recording of one of them is another.
    PlaceChanged,
    /// The seal over them, or the hash before it, is not the one that was made.
    SealChanged,
    /// The seal over them is not there.
    SealMissing,
    /// A fact that has no place in the order and waits for none.
    OutOfOrder,
    /// What stands beside them is not what they have the tokens of.
    TextChanged,
    /// What they have tokens of does not stand beside them, and no fact says that it was erased.
    TextMissing,
}

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// What is wrong.
    pub kind: Kind,
    /// First place that is meant; of a fact out of order its position.
    pub first_seq: i64,
    /// Last place that is meant.
    pub last_seq: i64,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.first_seq, self.last_seq);
        let facts = if first == last { format!("fact {first}") } else { format!("facts {first} to {last}") };
        let (is, was) = if first == last { ("is", "was") } else { ("are", "were") };
        match self.kind {
            Kind::Changed => write!(f, "{facts} {was} changed"),
            Kind::Missing => write!(f, "{facts} {is} missing"),
            Kind::Inserted => write!(f, "{facts} {was} inserted"),
            Kind::Moved => write!(f, "{facts} stood elsewhere"),
            Kind::CutOff => write!(f, "{facts} {was} cut off at the end"),
            Kind::PlaceChanged => write!(f, "a position or a time of recording in {facts} was changed"),
            Kind::SealChanged => write!(f, "the seal over {facts} does not follow from what it seals"),
            Kind::SealMissing => write!(f, "the seal over {facts} is missing"),
            Kind::TextChanged => write!(f, "what stands beside {facts} was changed"),
            Kind::TextMissing => write!(f, "what stood beside {facts} is missing and was not erased"),
            Kind::OutOfOrder => write!(f, "the fact at position {first} has no place in the order: it was inserted"),
        }
    }
}

/// How a part of the journal was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As it was sealed.
    Intact,
    /// Not as it was sealed.
    Broken,
    /// No seal covers it yet.
    Unsealed,
}

/// A part of the journal that was verified: consecutive seals with the same outcome where that is good, one where not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// Its first place.
    pub first_seq: i64,
    /// Its last place.
    pub last_seq: i64,
    /// Seals that cover it.
    pub seals: i64,
    /// How it was found.
    pub state: State,
    /// What is wrong.
    pub damages: Vec<Damage>,
}

/// Goes through a journal from one seal to the next.
#[derive(Debug, Clone)]
pub struct Verifier {
    journal: String,
    /// Hash of the last seal that was passed.
    pub head: Option<Digest>,
    /// Everything up to this place was looked at.
    pub through: i64,
    /// What was found.
    pub ranges: Vec<Range>,
    /// What was found beside the facts.
    pub texts: Texts,
}

impl Verifier {
    /// Begins after a seal, or at the beginning.
    pub fn after(journal: &str, seal: Option<(i64, Digest)>) -> Self {
        Self {
            journal: journal.to_owned(),
            through: seal.map_or(0, |(last_seq, _)| last_seq),
            head: seal.map(|(_, hash)| hash),
            ranges: Vec::new(),
            texts: Texts::default(),
        }
    }

    /// Takes the next seal, with what is found in its range.
    pub fn seal(&mut self, seal: &Seal, found: &[Fact]) {
        for fact in found {
            self.texts.take(fact);
        }
        let mut damages = Vec::new();
        let wanted = self.through.saturating_add(1);
        if seal.first_seq > wanted {
            let last_seq = seal.first_seq - 1;
            damages.push(Damage { kind: Kind::SealMissing, first_seq: wanted, last_seq });
        }
        damages.extend(seal.check(&self.journal, self.head.as_ref(), found));
        let state = if damages.is_empty() { State::Intact } else { State::Broken };
        self.add(Range { first_seq: seal.first_seq, last_seq: seal.last_seq, seals: 1, state, damages });
        self.head = Some(seal.hash);
        self.through = seal.last_seq;
    }

    /// Takes what follows the last seal.
    pub fn unsealed(&mut self, found: &[Fact]) {
        let Some(last) = found.last() else { return };
        for fact in found {
            self.texts.take(fact);
        }
        let mut damages = Vec::new();
        let mut wanted = self.through.saturating_add(1);
        for fact in found {
            let missing_through = if fact.content.is_none() { fact.seq } else { fact.seq.saturating_sub(1) };
            if wanted <= missing_through {
                damages.push(Damage { kind: Kind::Missing, first_seq: wanted, last_seq: missing_through });
            }
            wanted = fact.seq.saturating_add(1);
        }
        let state = if damages.is_empty() { State::Unsealed } else { State::Broken };
        self.add(Range { first_seq: self.through.saturating_add(1), last_seq: last.seq, seals: 0, state, damages });
        self.through = last.seq;
    }

    /// Takes positions of facts that have no place in the order and wait for none.
    pub fn out_of_order(&mut self, positions: &[i64]) {
        let damages: Vec<Damage> = positions
            .iter()
            .map(|position| Damage { kind: Kind::OutOfOrder, first_seq: *position, last_seq: *position })
            .collect();
        if !damages.is_empty() {
            self.ranges.push(Range { first_seq: 0, last_seq: 0, seals: 0, state: State::Broken, damages });
        }
    }

    /// At the end, with the newest place that there is: what is missing after it was cut off.
    pub fn end(&mut self, newest: i64) {
        for damage in self.ranges.iter_mut().flat_map(|range| &mut range.damages) {
            if damage.kind == Kind::Missing && damage.first_seq > newest {
                damage.kind = Kind::CutOff;
            }
        }
    }

    /// Whether nothing is wrong with what was looked at.
    pub fn is_intact(&self) -> bool {
        self.ranges.iter().all(|range| range.state != State::Broken) && self.texts.damages.is_empty()
    }

    fn add(&mut self, range: Range) {
        match self.ranges.last_mut() {
            Some(last) if last.state == range.state && last.state != State::Broken => {
                last.last_seq = range.last_seq;
                last.seals += range.seals;
            }
            _ => self.ranges.push(range),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(seq: i64) -> Fact {
        let mut content: Vec<String> = FIELDS.iter().map(|field| format!("{field} of {seq}")).collect();
        content.truncate(FIELDS.len() - 1);
        content.push(format!("{{\"n\": {seq}.0}}"));
        Fact {
            seq,
            position: seq * 7,
            recorded_at_us: "1717243200000000".to_owned(),
            content: Some(content),
            private: None,
        }
    }

    fn sealed() -> (Seal, Vec<Fact>) {
        let facts: Vec<Fact> = (11..=20).map(fact).collect();
        (Seal::over("widgets", Some(&[1; 32]), &facts, "5".to_owned()).unwrap(), facts)
    }

    fn found(seal: &Seal, facts: &[Fact]) -> Vec<String> {
        seal.check("widgets", Some(&[1; 32]), facts).iter().map(ToString::to_string).collect()
    }

    /// By the encoding of docs/journal.md in another language.
    #[test]
    fn hashes_are_what_the_document_says() {
        let hash = |texts: &[&str]| hex::encode(digest(texts));
        assert_eq!(hash(&["a", ""]), "6a9f797717b7913cc94af9ede3b2c995b077fa50a768bb7c2cc4b75ed4011695");
        assert_eq!(hex::encode(sealed().0.hash), "ad7d9052f39ec640dbdc8aaf9016921083328ec1da1e6c0568b637c60aab307e");
    }

    #[test]
    fn every_bit_of_every_field_counts() {
        let (seal, facts) = sealed();
        assert_eq!(found(&seal, &facts), [""; 0]);
        for field in 0..FIELDS.len() {
            let length = facts[4].content.as_ref().unwrap()[field].len();
            for bit in 0..length * 8 {
                let mut damaged = facts.clone();
                let text = &mut damaged[4].content.as_mut().unwrap()[field];
                let mut bytes = text.clone().into_bytes();
                bytes[bit / 8] ^= 1 << (bit % 8);
                let Ok(flipped) = String::from_utf8(bytes) else { continue };
                let equal = FIELDS[field] == PAYLOAD && Json::parse(&flipped) == Json::parse(text);
                *text = flipped;
                let wanted: &[&str] = if equal { &[] } else { &["fact 15 was changed"] };
                assert_eq!(found(&seal, &damaged), wanted, "bit {bit} of {}", FIELDS[field]);
            }
        }
    }

    #[test]
    fn what_moved_from_one_field_to_the_next_is_another_fact() {
        let (seal, mut facts) = sealed();
        let content = facts[4].content.as_mut().unwrap();
        let moved = content[5].pop().unwrap();
        content[6].insert(0, moved);
        assert_eq!(found(&seal, &facts), ["fact 15 was changed"]);
    }

    #[test]
    fn what_happened_to_rows_is_told() {
        let (seal, facts) = sealed();
        let after = |tamper: &dyn Fn(&mut Vec<Fact>)| {
            let mut damaged = facts.clone();
            tamper(&mut damaged);
            found(&seal, &damaged)
        };
        let numbered_anew = |facts: &mut Vec<Fact>| (11..).zip(facts).for_each(|(seq, fact)| fact.seq = seq);
        assert_eq!(after(&|facts| drop(facts.remove(4))), ["fact 15 is missing"]);
        assert_eq!(after(&|facts| facts[4].content = None), ["fact 15 is missing"]);
        assert_eq!(after(&|facts| facts.clear()), ["facts 11 to 20 are missing"]);
        assert_eq!(after(&|facts| facts.truncate(7)), ["facts 18 to 20 are missing"]);
        assert_eq!(
            after(&|facts| facts[4..6].iter_mut().for_each(|fact| fact.content = None)),
            ["facts 15 to 16 are missing"]
        );
        let swap = |facts: &mut Vec<Fact>| {
            facts.swap(3, 5);
            numbered_anew(facts);
        };
        assert_eq!(after(&swap), ["fact 14 stood elsewhere", "fact 16 stood elsewhere"]);
        assert_eq!(
            after(&|facts| facts[4].position += 1),
            ["a position or a time of recording in facts 11 to 20 was changed"]
        );
        assert_eq!(
            after(&|facts| facts[4].recorded_at_us = "0".to_owned()),
            ["a position or a time of recording in facts 11 to 20 was changed"]
        );
        // Inserted, and the last one pushed out; taken out, and the next one moved up.
        let insert = |facts: &mut Vec<Fact>| {
            facts.insert(4, fact(99));
            facts.pop();
            numbered_anew(facts);
        };
        assert_eq!(after(&insert), ["fact 15 was inserted"]);
        let take_out = |facts: &mut Vec<Fact>| {
            facts.remove(4);
            facts.push(fact(21));
            numbered_anew(facts);
        };
        assert_eq!(after(&take_out), ["fact 15 is missing"]);
        let change_and_delete = |facts: &mut Vec<Fact>| {
            facts[5].content.as_mut().unwrap()[5] = "people/eve".to_owned();
            facts.remove(4);
        };
        assert_eq!(after(&change_and_delete), ["fact 15 is missing", "fact 16 was changed"]);
    }

    #[test]
    fn a_seal_is_bound_to_its_journal_and_to_the_one_before() {
        let (seal, facts) = sealed();
        let wrong = ["the seal over facts 11 to 20 does not follow from what it seals"];
        for (journal, previous) in [("gadgets", Some([1; 32])), ("widgets", Some([2; 32])), ("widgets", None)] {
            let damages = seal.check(journal, previous.as_ref(), &facts);
            assert_eq!(damages.iter().map(ToString::to_string).collect::<Vec<_>>(), wrong);
        }
        for other in [
            Seal { sealed_at_us: "6".to_owned(), ..seal.clone() },
            Seal { places: [0; 32], ..seal.clone() },
            Seal { facts: vec![[0; 32]; 10], ..seal.clone() },
            Seal { hash: [0; 32], ..seal.clone() },
        ] {
            assert_eq!(found(&other, &facts), wrong);
        }
    }

    #[test]
    fn only_facts_without_a_gap_are_sealed() {
        let mut facts = sealed().1;
        facts.remove(4);
        assert_eq!(Seal::over("widgets", None, &facts, "5".to_owned()), Err(15));
        assert_eq!(Seal::over("widgets", None, &[], "5".to_owned()), Err(0));
    }
}
