//! Runs a simulated provider by hand: `freehold-sim openai 127.0.0.1:9001 --key sk-…`.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use freehold_testkit::simulator::{Shape, Simulator, VALID_KEY, WORDS, faults};

const USAGE: &str = "\
usage: freehold-sim <openai|anthropic|ollama> <address:port> [option]…

  --key <key>                takes this key; more than once for more keys. Default: the built-in key, none for ollama
  --limited-key <key>        refuses this key as too fast, always
  --behave <name>            plays this whatever model is asked for, such as sim-drip-100
  --model <name>=<behaviour> has this model in its catalogue too, and it behaves like this
  --lenient                  takes what the real provider would refuse
  --list                     lists what can be played

Without --behave, the model's name decides (sim-ok, sim-drip-50+crlf …), or [[sim-…]] in what the user says last.";

struct Arguments {
    shape: Shape,
    address: SocketAddr,
    keys: Vec<String>,
    limited_keys: Vec<String>,
    models: Vec<(String, String)>,
    behave: Option<String>,
    lenient: bool,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--list") {
        list();
        return ExitCode::SUCCESS;
    }
    match parse(words) {
        Err(why) => {
            say(&format!("{why}\n\n{USAGE}"));
            ExitCode::from(64)
        }
        Ok(arguments) => run(&arguments),
    }
}

fn parse(words: Vec<String>) -> Result<Arguments, String> {
    let mut words = words.into_iter();
    let shape = words.next().ok_or("a shape is missing")?;
    let address = words.next().ok_or("an address is missing")?;
    let mut arguments = Arguments {
        shape: Shape::named(&shape).ok_or(format!("{shape:?} is no shape"))?,
        address: address
            .parse()
            .map_err(|error| format!("{address:?} is no address: {error}"))?,
        keys: Vec::new(),
        limited_keys: Vec::new(),
        models: Vec::new(),
        behave: None,
        lenient: false,
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} wants a value"));
        match word.as_str() {
            "--key" => arguments.keys.push(value()?),
            "--limited-key" => arguments.limited_keys.push(value()?),
            "--behave" => arguments.behave = Some(value()?),
            "--model" => {
                let value = value()?;
                let (model, behaviour) = value.split_once('=').ok_or("--model wants name=behaviour")?;
                arguments.models.push((model.to_owned(), behaviour.to_owned()));
            }
            "--lenient" => arguments.lenient = true,
            other => return Err(format!("{other:?} is no option")),
        }
    }
    Ok(arguments)
}

fn run(arguments: &Arguments) -> ExitCode {
    let simulator = match Simulator::bind(arguments.shape, arguments.address) {
        Ok(simulator) => simulator,
        Err(error) => {
            say(&format!("cannot listen on {}: {error}", arguments.address));
            return ExitCode::FAILURE;
        }
    };
    for key in &arguments.keys {
        simulator.accept(key);
    }
    for key in &arguments.limited_keys {
        simulator.rate_limit(key, Duration::from_secs(365 * 24 * 60 * 60));
    }
    if arguments.keys.is_empty() && arguments.shape != Shape::Ollama {
        simulator.accept(VALID_KEY);
    }
    for (model, behaviour) in &arguments.models {
        simulator.add_model(model, behaviour);
    }
    if let Some(name) = &arguments.behave {
        simulator.behave(name);
    }
    if arguments.lenient {
        simulator.be_lenient();
    }
    say(&format!(
        "listening on {} as {}",
        simulator.address,
        simulator.base_url()
    ));
    loop {
        std::thread::park();
    }
}

fn list() {
    for (word, what) in WORDS {
        say(&format!("sim-{word:22} {what}"));
    }
    for shape in [Shape::OpenAi, Shape::Anthropic, Shape::Ollama] {
        say(&format!("\nfaults of {shape:?}:"));
        for fault in faults(shape) {
            say(&format!(
                "sim-fault-{:22} {} {:?}",
                fault.name, fault.status, fault.class
            ));
        }
    }
}

#[expect(clippy::print_stdout, reason = "this is a program that talks on a terminal")]
fn say(line: &str) {
    println!("{line}");
}
