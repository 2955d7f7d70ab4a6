//! What is said of catalogue files, to the letter.

use std::path::Path;

use super::secret::Secrets;
use super::{Read, read};

const GOOD: &str = include_str!("../../../../catalog.example.toml");

fn parse(text: &str) -> Result<Read, String> {
    read(
        "c.toml",
        text,
        &Secrets { folder: Path::new("/nonexistent"), variable: &|name| (name == "OPENAI_API_KEY").then(|| "sk-1".to_owned()) },
    )
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(parse(text).map(|_| ()).unwrap_err(), expected);
}

#[test]
fn the_example_file_is_right() {
    let read = parse(GOOD).unwrap();
    assert_eq!(read.warnings, Vec::<String>::new());
    assert!(!read.declared.platform_models.is_empty());
}

#[test]
fn an_unknown_field_is_told_with_its_place_and_the_nearest_name() {
    check(
        "[[platform]]\nname = \"a\"\nprovider = \"openai\"\nbase_ulr = \"https://a\"\nbase_url = \"https://a\"\n",
        "c.toml:4:1: platform \"a\": unknown field `base_ulr`: did you mean `base_url`?",
    );
    check(
        "[[policy_set]]\nname = \"s\"\n[policy_set.retry]\nmax_atempts = 2\n",
        "c.toml:4:1: policy_set \"s\": unknown field `max_atempts`: did you mean `max_attempts`?",
    );
    check("[[platfrom]]\nname = \"a\"\n", "c.toml:1:3: unknown table `platfrom`: did you mean `platform`?");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    check(
        concat!(
            "[[platform]]\nname = \"a\"\nprovider = \"opnai\"\npriority = \"first\"\nprxy = \"none\"\nbase_url = \"https://a\"\n",
            "[[model]]\nnam = \"m\"\n",
        ),
        concat!(
            "c.toml:3:12: platform \"a\": `provider`: `opnai` is not a provider: use one of openai, simulation; did you mean `openai`?\n",
            "c.toml:4:12: platform \"a\": `priority`: invalid type: string \"first\", expected u32\n",
            "c.toml:5:1: platform \"a\": unknown field `prxy`: did you mean `proxy`?\n",
            "c.toml:7:1: model: missing field `name`\n",
            "c.toml:8:1: model: unknown field `nam`: did you mean `name`?",
        ),
    );
}

#[test]
fn dangling_names_are_told_with_the_nearest() {
    check(
        concat!(
            "[[platform]]\nname = \"primary\"\nprovider = \"simulation\"\n[[model]]\nname = \"gpt-5.4\"\n",
            "[[platform_model]]\nplatform = \"primry\"\nmodel = \"gpt-5.4\"\npolicy_set = \"standard\"\n",
            "price = { input_per_million = \"1\", output_per_million = \"1\" }\n",
        ),
        concat!(
            "c.toml:7:12: platform_model \"gpt-5.4\" at \"primry\": there is no platform `primry` in this file: did you mean `primary`?\n",
            "c.toml:9:14: platform_model \"gpt-5.4\" at \"primry\": there is no policy_set `standard` in this file",
        ),
    );
}

#[test]
fn a_price_is_exact_or_refused() {
    let offer = |price: &str| {
        format!(
            "[[platform]]\nname = \"p\"\nprovider = \"simulation\"\n[[model]]\nname = \"m\"\n[[platform_model]]\nplatform = \"p\"\nmodel = \"m\"\nprice = {price}\n"
        )
    };
    check(
        &offer("{ input_per_million = 1.25, output_per_million = \"1\" }"),
        "c.toml:9:31: platform_model \"m\" at \"p\": `price.input_per_million`: invalid type: floating point `1.25`, expected a string: \
         write it in quotes, such as \"1.25\", so that it stays exact",
    );
    check(
        &offer("{ input_per_million = \"1\" }"),
        "c.toml:9:9: platform_model \"m\" at \"p\": missing field `output_per_million` in `price`",
    );
    let missing = offer("").replace("price = \n", "");
    assert_eq!(
        parse(&missing).unwrap().warnings,
        ["c.toml:6:1: platform_model \"m\" at \"p\": no `price`: it serves nobody until it has one"]
    );
}

#[test]
fn secrets_and_addresses_are_checked_and_never_repeated() {
    let platform = |more: &str| format!("[[platform]]\nname = \"p\"\nprovider = \"openai\"\nbase_url = \"https://a/v1/\"\n{more}\n");
    let good = parse(&platform("credentials = [{ env = \"OPENAI_API_KEY\" }]\nproxy = \"socks5://u:hunter2@h:1080\"")).unwrap();
    assert_eq!(good.declared.platforms["p"].base_url, "https://a/v1");
    assert_eq!(good.declared.platforms["p"].credentials[0].origin, "env:OPENAI_API_KEY");
    check(
        &platform("credentials = [{ env = \"ABSENT\" }]"),
        "c.toml:5:16: platform \"p\": credential: the environment variable ABSENT is not set: set it, or take the credential out",
    );
    check(
        &platform("credentials = [{ env = \"A\", secret = \"hunter2\" }]"),
        "c.toml:5:16: platform \"p\": credential: it needs exactly one of `secret`, `env` and `file`",
    );
    check(
        &platform("proxy = \"sock5://u:hunter2@h:1080\""),
        "c.toml:5:9: platform \"p\": `proxy`: write \"none\", or a URL that begins with http://, https://, socks5:// or socks5h://: did you \
         mean `socks5`?",
    );
    check(
        &platform("").replace("https://a/v1/", "api.openai.com"),
        "c.toml:4:12: platform \"p\": `base_url`: it is not a URL: write it like \"https://api.openai.com/v1\"",
    );
}

#[test]
fn names_are_declared_once() {
    check("[[model]]\nname = \"m\"\n[[model]]\nname = \"m\"\n", "c.toml:4:8: model \"m\" is declared twice");
}

#[test]
fn broken_toml_is_told_with_its_place() {
    let told = parse("[[model]]\nname = m\n").unwrap_err();
    assert!(told.starts_with("c.toml:2:8: "), "{told}");
}
