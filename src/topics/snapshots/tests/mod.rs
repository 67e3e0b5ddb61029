mod changes;
mod refused;
mod saved;
pub mod scene;
mod waiting;
