//! `cargo xtask protocol`: writes `kafka-core`'s messages from the schemas inside Kafka's own client jar.
//!
//! `schema` reads a schema, `emit` turns it into the table that `protocol::schema`'s macros understand, and this module
//! chooses which messages there are and writes or compares the files. The schemas themselves are not committed.

mod emit;
mod names;
mod schema;
mod vectors;
mod versions;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use self::schema::Schema;
use crate::cluster::KafkaVersion;
use crate::{jars, paths};

/// What the schemas list for brokers' listeners though only brokers send it: the share coordinator's own storage.
const BETWEEN_BROKERS: [&str; 5] = [
    "InitializeShareGroupState",
    "ReadShareGroupState",
    "WriteShareGroupState",
    "DeleteShareGroupState",
    "ReadShareGroupStateSummary",
];

/// What is not an API but travels inside records and requests.
const DATA: [&str; 4] =
    ["ConsumerProtocolSubscription", "ConsumerProtocolAssignment", "ControlRecordTypeSchema", "EndTxnMarker"];

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Write nothing; fail if the committed files differ from what would be written
    #[arg(long)]
    check: bool,
    /// Also write the test data that Kafka's Java client prints; needs Java with its compiler
    #[arg(long, conflicts_with = "check")]
    vectors: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let folder = paths::workspace()?.join("crates/kafka-core/src/protocol/messages");
    let schemas = read_schemas()?;
    let messages = messages(&schemas);
    let mut files = generate(&messages)?;
    files.insert("api_key.rs".to_owned(), api_keys(&schemas)?);
    if args.check {
        return compare(&folder, &files);
    }
    write(&folder, &files)?;
    if args.vectors {
        let names: Vec<String> = messages.iter().map(|schema| schema.name.clone()).collect();
        vectors::write(&names)?;
    }
    Ok(())
}

fn read_schemas() -> Result<Vec<Schema>> {
    let kafka = KafkaVersion::NEWEST;
    let jar = jars::folder(kafka)?.join(format!("kafka-clients-{kafka}.jar"));
    let file = fs::File::open(&jar).with_context(|| format!("cannot open {}", jar.display()))?;
    let mut archive =
        zip::ZipArchive::new(file).with_context(|| format!("{} is not a jar", jar.display()))?;
    let names: Vec<String> = archive
        .file_names()
        .filter(|name| name.starts_with("common/message/") && name.ends_with(".json"))
        .map(str::to_owned)
        .collect();
    ensure!(!names.is_empty(), "{} holds no message schemas", jar.display());
    let mut schemas = Vec::with_capacity(names.len());
    for name in names {
        let text = std::io::read_to_string(archive.by_name(&name)?)?;
        schemas.push(Schema::parse(&text).with_context(|| name)?);
    }
    schemas.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(schemas)
}

/// The messages that clients send and receive, and the data inside them, by name.
fn messages(schemas: &[Schema]) -> Vec<&Schema> {
    let sent: Vec<&str> = schemas.iter().filter_map(sent_by_clients).collect();
    let wanted = |name: &str| {
        let api = name.strip_suffix("Request").or_else(|| name.strip_suffix("Response"));
        DATA.contains(&name) || api.is_some_and(|api| sent.contains(&api))
    };
    schemas.iter().filter(|schema| wanted(&schema.name)).collect()
}

/// The text of the generated files, by their names.
fn generate(messages: &[&Schema]) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let mut modules = vec![("api_key".to_owned(), "mod api_key;\n".to_owned(), "ApiKey")];
    let mut list = String::new();
    for schema in messages {
        let module = names::module(&schema.name);
        let source = emit::message(schema).with_context(|| format!("message {}", schema.name))?;
        files.insert(format!("{module}.rs"), source);
        modules.push((module.clone(), format!("pub mod {module};\n"), &schema.name));
        writeln!(list, "        $each!({});", schema.name)?;
    }
    modules.sort();
    let exports: String =
        modules.iter().map(|(module, _, name)| format!("pub use {module}::{name};\n")).collect();
    let modules: String = modules.into_iter().map(|(_, declaration, _)| declaration).collect();
    files.insert(
        "mod.rs".to_owned(),
        format!(
            "{}\n//! The messages, one file each; their tables are read by the macros in `protocol/schema.rs`.\n\n\
             {modules}\n{exports}\n\
             /// Calls a macro with the name of every message.\n#[cfg(any(test, feature = \"unstable-fuzzing\"))]\n\
             macro_rules! for_each_message {{\n    ($each:ident) => {{\n{list}    }};\n}}\n\
             #[cfg(any(test, feature = \"unstable-fuzzing\"))]\npub(in crate::protocol) use for_each_message;\n",
            emit::MARK
        ),
    );
    Ok(files)
}

/// The API's name, if clients send this message to brokers.
fn sent_by_clients(schema: &Schema) -> Option<&str> {
    let api = schema.name.strip_suffix("Request")?;
    let to_brokers = schema.listeners.iter().any(|listener| listener == "broker");
    (to_brokers && schema.valid_versions != "none" && !BETWEEN_BROKERS.contains(&api)).then_some(api)
}

/// The table of all APIs, those too whose messages are not generated: brokers name them in their answers.
fn api_keys(schemas: &[Schema]) -> Result<String> {
    let mut keys: Vec<(i16, &str)> = schemas
        .iter()
        .filter_map(|schema| Some((schema.api_key?, schema.name.strip_suffix("Request")?)))
        .collect();
    keys.sort();
    let mut source = format!("{}\nuse crate::protocol::api_key::api_keys;\n\napi_keys! {{\n", emit::MARK);
    for (code, name) in keys {
        writeln!(source, "    {name} = {code},")?;
    }
    source.push_str("}\n");
    Ok(source)
}

fn write(folder: &Path, files: &BTreeMap<String, String>) -> Result<()> {
    fs::create_dir_all(folder)?;
    for stale in existing(folder)?.iter().filter(|name| !files.contains_key(*name)) {
        fs::remove_file(folder.join(stale))?;
    }
    for (name, source) in files {
        let path = folder.join(name);
        if fs::read_to_string(&path).ok().as_ref() != Some(source) {
            fs::write(&path, source).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    println!("{} files in {}", files.len(), folder.display());
    Ok(())
}

fn compare(folder: &Path, files: &BTreeMap<String, String>) -> Result<()> {
    let mut differing: Vec<PathBuf> = files
        .iter()
        .filter(|(name, source)| fs::read_to_string(folder.join(name)).ok().as_ref() != Some(source))
        .map(|(name, _)| folder.join(name))
        .collect();
    differing.extend(
        existing(folder)?.iter().filter(|name| !files.contains_key(*name)).map(|name| folder.join(name)),
    );
    if differing.is_empty() {
        return Ok(());
    }
    for path in &differing {
        eprintln!("differs from what the schemas give: {}", path.display());
    }
    bail!("{} generated files are not up to date: run `cargo xtask protocol` and commit", differing.len());
}

fn existing(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}
