//! Compiles the contract with protox: no protoc on the machine, comments kept in the descriptor set.
use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

const PACKAGES: [&str; 5] = ["common", "journal", "catalog", "operations", "supplier"];

fn main() -> Result<(), Box<dyn Error>> {
    let mut files = Vec::new();
    for package in PACKAGES {
        let folder = format!("itsm/{package}/v1");
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == "proto") {
                files.push(path);
            }
        }
        println!("cargo:rerun-if-changed={folder}");
    }
    files.sort();

    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(true).open_files(&files)?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let bytes = compiler.encode_file_descriptor_set();
    fs::write(out.join("itsm.descriptors.bin"), &bytes)?;

    let set = prost_types::FileDescriptorSet::decode(bytes.as_slice())?;
    tonic_prost_build::configure().build_transport(true).compile_fds(set)?;
    Ok(())
}
