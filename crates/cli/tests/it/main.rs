//! The built program, end to end: on port 0, with the `tieline` client or bare sockets.
#![expect(clippy::unwrap_used, reason = "what helps tests is a test, too")]

mod access;
mod bench;
mod bridge;
mod channels;
mod commands;
mod config_command;
mod connect;
mod decode;
mod devices;
mod examples;
mod handshake;
mod http2;
mod http2_client;
mod inspect;
mod isolation;
mod lifetime;
mod limits;
mod manual;
mod operator;
mod pages;
mod places;
mod proxy;
mod publish_subscribe;
mod rpc;
mod server;
mod services;
mod store;
mod tail;
mod tail_ssh;
mod terminal;
mod tickets;
mod tls;
mod token_command;
mod workers;
