//! The project's own chores: `cargo xtask {codegen,tidy,coverage}`.
#![forbid(unsafe_code)]

fn main() -> anyhow::Result<()> {
    anyhow::bail!("usage: cargo xtask <codegen|tidy|coverage>")
}
