//! The WebSocket client behind a C ABI.
