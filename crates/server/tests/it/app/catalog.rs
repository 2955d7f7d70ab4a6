//! A catalogue file of a few lines.

/// The price of [`Catalog::offer`]: what is charged for a default answer of the mock is [`DEFAULT_CHARGE`].
pub const PRICE: &str = r#"{ input_per_million = "1000", output_per_million = "2000" }"#;

/// 9 tokens in and 4 out.
pub const DEFAULT_CHARGE: &str = "0.017";

#[derive(Debug, Clone, Default)]
pub struct Catalog {
    text: String,
    platforms: u32,
    models: Vec<String>,
}

impl Catalog {
    /// One platform that offers `demo`.
    pub fn demo(base_url: &str) -> Self {
        Self::default().platform("only", base_url, "").offer("only", "demo")
    }

    /// A platform; those that are named first are tried first.
    pub fn platform(self, name: &str, base_url: &str, more: &str) -> Self {
        self.any_platform(
            name,
            &format!("provider = \"openai\"\nbase_url = \"{base_url}\"\ncredentials = [{{ secret = \"sk-mock\" }}]\n{more}"),
        )
    }

    pub fn simulation(self, name: &str, more: &str) -> Self {
        self.any_platform(name, &format!("provider = \"simulation\"\n{more}"))
    }

    fn any_platform(mut self, name: &str, fields: &str) -> Self {
        self.platforms += 1;
        let priority = self.platforms;
        self.and(&format!("[[platform]]\nname = \"{name}\"\npriority = {priority}\n{fields}"))
    }

    pub fn offer(self, platform: &str, model: &str) -> Self {
        self.offer_at(platform, model, PRICE)
    }

    pub fn offer_at(mut self, platform: &str, model: &str, price: &str) -> Self {
        if !self.models.iter().any(|known| known == model) {
            self.models.push(model.to_owned());
            self = self.and(&format!("[[model]]\nname = \"{model}\""));
        }
        self.and(&format!(
            "[[platform_model]]\nplatform = \"{platform}\"\nmodel = \"{model}\"\nupstream_name = \"up-{model}\"\nprice = {price}"
        ))
    }

    /// More lines of TOML.
    pub fn and(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self.text.push('\n');
        self
    }

    pub fn text(&self) -> &str {
        &self.text
    }
}
