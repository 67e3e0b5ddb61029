//! The fields of INFO, to report a misspelt name without asking a server.

/// Fields of Redis 7 and 8 and of Valkey 8 and 9, from their `src/server.c` and from running
/// servers.
const FIELDS: &str = "\
    acl_access_denied_auth acl_access_denied_channel acl_access_denied_cmd acl_access_denied_db \
    acl_access_denied_key acl_access_denied_tls_cert active_defrag_hits active_defrag_key_hits \
    active_defrag_key_misses active_defrag_misses active_defrag_running allocator_active \
    allocator_active_lua allocator_allocated allocator_allocated_lua allocator_frag_bytes \
    allocator_frag_bytes_lua allocator_frag_ratio allocator_muzzy allocator_resident \
    allocator_resident_lua allocator_rss_bytes allocator_rss_ratio aof_base_size \
    aof_buffer_length aof_current_rewrite_time_sec aof_current_size aof_delayed_fsync aof_enabled \
    aof_last_bgrewrite_status aof_last_cow_size aof_last_rewrite_time_sec aof_last_write_status \
    aof_pending_bio_fsync aof_pending_rewrite aof_rewrite_in_progress aof_rewrite_scheduled \
    aof_rewrites aof_rewrites_consecutive_failures arch_bits async_loading atomicvar_api \
    availability_zone blocked_clients client_output_buffer_limit_disconnections \
    client_query_buffer_limit_disconnections client_recent_max_input_buffer \
    client_recent_max_output_buffer clients_hz clients_in_timeout_table cluster_connections \
    cluster_enabled config_file configured_hz connected_clients connected_slaves \
    current_active_defrag_time current_cow_peak current_cow_size current_cow_size_age \
    current_eviction_exceeded_time current_fork_perc current_save_keys_processed \
    current_save_keys_total dump_payload_sanitizations engines_count \
    engines_total_memory_overhead engines_total_used_memory eventloop_cmd_per_cycle_max \
    eventloop_cycles eventloop_duration_aof_sum eventloop_duration_cmd_sum \
    eventloop_duration_cron_sum eventloop_duration_max eventloop_duration_sum evicted_clients \
    evicted_keys evicted_scripts executable expire_cycle_cpu_milliseconds expired_fields \
    expired_keys expired_keys_active expired_keys_with_volatile_items_stale_perc \
    expired_stale_perc expired_subkeys expired_subkeys_active expired_time_cap_reached_count \
    gcc_version hz instantaneous_eventloop_cycles_per_sec instantaneous_eventloop_duration_usec \
    instantaneous_input_kbps instantaneous_input_repl_kbps instantaneous_ops_per_sec \
    instantaneous_output_kbps instantaneous_output_repl_kbps io_threaded_accept_processed \
    io_threaded_freed_objects io_threaded_poll_processed io_threaded_reads_processed \
    io_threaded_total_prefetch_batches io_threaded_total_prefetch_entries \
    io_threaded_writes_processed io_threads_active keyspace_hits keyspace_misses latest_fork_usec \
    lazyfree_pending_objects lazyfreed_objects loading loading_eta_seconds loading_loaded_bytes \
    loading_loaded_perc loading_rdb_used_mem loading_start_time loading_total_bytes lru_clock \
    master_failover_state master_host master_last_io_seconds_ago master_link_down_since_seconds \
    master_link_status master_port master_repl_offset master_replid master_replid2 \
    master_sync_in_progress master_sync_last_io_seconds_ago master_sync_left_bytes \
    master_sync_perc master_sync_read_bytes master_sync_total_bytes maxclients maxmemory \
    maxmemory_human maxmemory_policy mem_allocator mem_aof_buffer mem_clients_normal \
    mem_clients_slaves mem_cluster_links mem_cluster_slot_export mem_cluster_slot_import \
    mem_cluster_slot_migration_input_buffer mem_cluster_slot_migration_input_buffer_peak \
    mem_cluster_slot_migration_output_buffer mem_fragmentation_bytes mem_fragmentation_ratio \
    mem_not_counted_for_evict mem_overhead_db_hashtable_rehashing mem_replica_full_sync_buffer \
    mem_replicas_repl_buffer mem_replication_backlog mem_total_replication_buffers \
    migrate_cached_sockets min_slaves_good_slaves module module_fork_in_progress \
    module_fork_last_cow_size monotonic_clock multiplexing_api number_of_cached_scripts \
    number_of_functions number_of_libraries os paused_actions paused_reason \
    paused_timeout_milliseconds process_id process_supervised pubsub_channels pubsub_clients \
    pubsub_patterns pubsubshard_channels rdb_bgsave_in_progress rdb_changes_since_last_save \
    rdb_current_bgsave_time_sec rdb_last_bgsave_status rdb_last_bgsave_time_sec rdb_last_cow_size \
    rdb_last_load_keys_expired rdb_last_load_keys_loaded rdb_last_save_time rdb_saves \
    rdb_saves_consecutive_failures redis_build_id redis_git_dirty redis_git_sha1 redis_mode \
    redis_version rejected_connections repl_backlog_active repl_backlog_first_byte_offset \
    repl_backlog_histlen repl_backlog_size replica_announced replicas_repl_buffer_peak \
    replicas_repl_buffer_size replicas_waiting_psync reply_buffer_expands reply_buffer_shrinks \
    role rss_overhead_bytes rss_overhead_ratio run_id second_repl_offset server_mode server_name \
    server_time_usec shutdown_in_milliseconds slave_expires_tracked_keys slave_priority \
    slave_read_only slave_read_repl_offset slave_repl_offset slot_migration_fork_in_progress \
    sync_full sync_partial_err sync_partial_ok tcp_port tls_ca_cert_expires_in_seconds \
    tls_ca_cert_serial tls_client_cert_expires_in_seconds tls_client_cert_serial \
    tls_server_cert_expires_in_seconds tls_server_cert_serial total_active_defrag_time \
    total_blocking_keys total_blocking_keys_on_nokey total_commands_processed \
    total_connections_received total_error_replies total_eviction_exceeded_time total_forks \
    total_net_cluster_slot_export_bytes total_net_cluster_slot_import_bytes total_net_input_bytes \
    total_net_output_bytes total_net_repl_input_bytes total_net_repl_output_bytes \
    total_reads_processed total_system_memory total_system_memory_human total_watched_keys \
    total_writes_processed tracking_clients tracking_total_items tracking_total_keys \
    tracking_total_prefixes unexpected_error_replies unixsocket uptime_in_days uptime_in_seconds \
    used_active_time_main_thread used_cpu_sys used_cpu_sys_children used_cpu_sys_main_thread \
    used_cpu_user used_cpu_user_children used_cpu_user_main_thread used_memory \
    used_memory_dataset used_memory_dataset_perc used_memory_functions used_memory_human \
    used_memory_lua used_memory_lua_human used_memory_overhead used_memory_peak \
    used_memory_peak_human used_memory_peak_perc used_memory_peak_time used_memory_rss \
    used_memory_rss_human used_memory_scripts used_memory_scripts_eval used_memory_scripts_human \
    used_memory_startup used_memory_vm_eval used_memory_vm_functions used_memory_vm_total \
    used_memory_vm_total_human valkey_release_stage valkey_version watching_clients";

/// Fields whose names end with a command, an error or a number.
const FAMILIES: [&str; 8] = [
    "cmdstat_",
    "errorstat_",
    "latency_percentiles_usec_",
    "db",
    "slave",
    "listener",
    "engine_",
    "io_thread_",
];

pub fn all() -> impl Iterator<Item = &'static str> {
    FIELDS.split_whitespace()
}

/// Whether a server may report this field.
pub fn is_known(name: &str) -> bool {
    all().any(|field| field == name) || FAMILIES.iter().any(|family| is_of(family, name))
}

fn is_of(family: &str, name: &str) -> bool {
    let Some(rest) = name.strip_prefix(family) else { return false };
    let numbered = ["db", "slave", "listener", "engine_", "io_thread_"].contains(&family);
    !rest.is_empty() && (!numbered || rest.bytes().all(|byte| byte.is_ascii_digit()))
}
