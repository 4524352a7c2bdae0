//! The ratios of what criterion has measured, by the fastest tenth of the samples: on a shared machine the middle says how busy it was.

use std::path::PathBuf;

/// What is compared: group, subject, reference (in another group: `group/reference`), and what is expected of the ratio.
pub type Ratio = (&'static str, &'static str, &'static str, f64);

/// Prints the ratios of this run; a group that was filtered out is left out.
pub fn print(ratios: &[Ratio]) {
    println!("\nratio  expected  what");
    for (group, subject, reference, expected) in ratios {
        let (reference_group, reference_name) = reference.split_once('/').unwrap_or((group, reference));
        if let (Some(time), Some(base)) = (tenth_ns(group, subject), tenth_ns(reference_group, reference_name)) {
            let ratio = time / base;
            println!(
                "{ratio:5.2}  <= {expected:4.2}   {group}: {subject} / {reference}   ({:.1} us / {:.1} us)",
                time / 1e3,
                base / 1e3
            );
        }
    }
}

fn tenth_ns(group: &str, name: &str) -> Option<f64> {
    let target =
        PathBuf::from(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../target").into()));
    let path = target.join("criterion").join(group).join(name).join("new").join("sample.json");
    let sample: serde_json::Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    let numbers = |name: &str| {
        Some(
            sample[name]
                .as_array()?
                .iter()
                .filter_map(serde_json::Value::as_f64)
                .collect::<Vec<_>>(),
        )
    };
    let mut times: Vec<f64> = numbers("times")?
        .iter()
        .zip(numbers("iters")?)
        .map(|(time, iterations)| time / iterations)
        .collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 10).copied()
}
