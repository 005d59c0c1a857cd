// The face of Cap'n Proto, zstd and libb2 towards Swift: flat structures, one call per record, no exception leaves it.
//
// Everything that a decoder hands out points into the message or into the decoder, and is valid until its next call.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rrs_bytes {
  const uint8_t *start;
  size_t count;
};

struct rrs_bytes_list {
  const struct rrs_bytes *items;
  size_t count;
};

// MARK: Records; their fields mean what Schemas/trace.capnp says

struct rrs_cpuid_record {
  uint32_t leaf, subleaf, eax, ebx, ecx, edx;
};

struct rrs_header {
  struct rrs_bytes uuid, engine, rrs_version, program, working_directory;
  struct rrs_bytes_list kernel, command_line, environment;
  const struct rrs_cpuid_record *cpuid;
  size_t cpuid_count;
  uint64_t xcr0, scheduling_seed, checksum_interval;
  uint64_t start_realtime_nanoseconds, start_monotonic_nanoseconds;
  uint32_t extended_state_byte_count;
  int32_t bound_to_cpu;
  uint16_t tick_definition;
  bool has_cpuid_faulting, syscall_buffering, chaos_mode;
};

struct rrs_memory_write {
  uint64_t address, data_offset, data_byte_count;
  int32_t tid;
};

struct rrs_file_write {
  uint64_t device, inode, offset, data_offset, data_byte_count, new_size;
};

struct rrs_opened_file {
  struct rrs_bytes path;
  uint64_t device, inode;
  int32_t descriptor;
};

enum rrs_event_kind {
  RRS_EVENT_SYSCALL,
  RRS_EVENT_SIGNAL,
  RRS_EVENT_INSTRUCTION,
  RRS_EVENT_PREEMPTION,
  RRS_EVENT_EXIT,
  RRS_EVENT_IMAGE_START,
  RRS_EVENT_CHECKPOINT_SAVED,
  RRS_EVENT_CHECKPOINT_LOADED,
  RRS_EVENT_NOTE,
  RRS_EVENT_END,
};

struct rrs_event {
  uint64_t number, ticks, monotonic_nanoseconds, memory_checksum;
  int32_t tid;
  uint8_t kind; // enum rrs_event_kind
  bool has_memory_checksum;
  struct rrs_bytes registers, extended_state;
  const struct rrs_memory_write *memory_writes;
  size_t memory_write_count;
  const struct rrs_file_write *file_writes;
  size_t file_write_count;

  // Of a system call.
  const struct rrs_opened_file *opened_files;
  size_t opened_file_count;
  struct rrs_bytes local_address, remote_address;
  int64_t syscall_number, write_offset;
  int32_t new_tid;
  uint8_t phase, shown_on;
  bool has_write_offset, has_new_tid;

  // Of a signal.
  int32_t signal;
  bool is_deterministic;
  uint8_t disposition;

  uint8_t instruction;
  int32_t exit_status;
  uint64_t checkpoint_id;
  // A signal's siginfo, a checkpoint's state hash, a note's text.
  struct rrs_bytes payload;
};

enum rrs_mapping_source {
  RRS_MAPPING_ZERO,
  RRS_MAPPING_DATA,
  RRS_MAPPING_TRACE_FILE,
  RRS_MAPPING_OUTSIDE_FILE,
};

struct rrs_mapping {
  uint64_t event, start, end, file_offset, device, inode, file_size;
  int64_t file_modified;
  int32_t tid, protection, flags;
  uint32_t file_mode, file_user_id, file_group_id;
  struct rrs_bytes name;
  uint8_t source; // enum rrs_mapping_source
  uint64_t data_offset, data_byte_count;
  struct rrs_bytes file, content_hash;
};

enum rrs_tracee_kind {
  RRS_TRACEE_CLONE,
  RRS_TRACEE_EXEC,
  RRS_TRACEE_EXIT,
  RRS_TRACEE_DETACH,
};

struct rrs_tracee {
  uint64_t event;
  int32_t tid;
  uint8_t kind; // enum rrs_tracee_kind

  // Of a clone.
  int32_t parent, own_namespace_tid, thread_group;
  uint64_t clone_flags;

  // Of an exec.
  struct rrs_bytes file_name, interpreter_name;
  struct rrs_bytes_list command_line, environment;
  uint64_t executable_base, interpreter_base;
  int32_t previous_tid;

  int32_t exit_status;
};

// One message of a persistent checkpoint; its fields mean what Schemas/checkpoint.capnp says.
enum rrs_saved_kind {
  RRS_SAVED_PLACE,
  RRS_SAVED_SPACE,
  RRS_SAVED_REGION,
  RRS_SAVED_FILE,
  RRS_SAVED_TRACEE,
};

enum rrs_saved_source {
  RRS_SAVED_ANONYMOUS,
  RRS_SAVED_RECORD,
  RRS_SAVED_SHARED,
};

struct rrs_saved_record {
  uint8_t kind; // enum rrs_saved_kind

  // Of a place; `name` is its label.
  uint64_t id, event, ticks, program_counter, work;
  struct rrs_bytes trace_uuid, state_hash;
  int32_t root_tid;
  uint32_t number;
  bool is_at_event, is_at_stage_start;

  // Of an address space.
  uint64_t program_break, stack_limit;

  // Of a region.
  uint64_t start, end, file_offset, record_event, record_start;
  int32_t protection;
  bool grows_down, no_reserve, dont_fork, wipe_on_fork;
  uint8_t source; // enum rrs_saved_source

  // Of a region and a file.
  uint64_t device, inode, byte_count;
  struct rrs_bytes page_runs, page_places;

  // Of a tracee, whose process is its thread group; ticks as above.
  int32_t process, thread;
  uint32_t space;
  struct rrs_bytes registers, extended_state, name;
  bool is_in_syscall, is_newborn, is_interrupted, is_fresh, has_paused_at_signal, has_met_signal, has_name;
};

// MARK: Encoding

typedef struct rrs_encoder rrs_encoder;

rrs_encoder *rrs_encoder_create(void);
void rrs_encoder_destroy(rrs_encoder *encoder);

// Each returns the whole message, a multiple of 8 bytes that is valid until the encoder's next call; empty where there
// is no memory for it.
struct rrs_bytes rrs_encode_header(rrs_encoder *encoder, const struct rrs_header *header);
struct rrs_bytes rrs_encode_event(rrs_encoder *encoder, const struct rrs_event *event);
struct rrs_bytes rrs_encode_mapping(rrs_encoder *encoder, const struct rrs_mapping *mapping);
struct rrs_bytes rrs_encode_tracee(rrs_encoder *encoder, const struct rrs_tracee *tracee);
struct rrs_bytes rrs_encode_saved_record(rrs_encoder *encoder, const struct rrs_saved_record *record);

// MARK: Decoding

typedef struct rrs_decoder rrs_decoder;

rrs_decoder *rrs_decoder_create(void);
void rrs_decoder_destroy(rrs_decoder *decoder);
// Why the last call failed. One line.
const char *rrs_decoder_error(const rrs_decoder *decoder);

// Each decodes the message at the start of `bytes`, whose start is 8-byte aligned, and returns its byte count; 0 where
// it is not a message of that kind.
size_t rrs_decode_header(rrs_decoder *decoder, struct rrs_bytes bytes, struct rrs_header *header);
size_t rrs_decode_event(rrs_decoder *decoder, struct rrs_bytes bytes, struct rrs_event *event);
size_t rrs_decode_mapping(rrs_decoder *decoder, struct rrs_bytes bytes, struct rrs_mapping *mapping);
size_t rrs_decode_tracee(rrs_decoder *decoder, struct rrs_bytes bytes, struct rrs_tracee *tracee);
size_t rrs_decode_saved_record(rrs_decoder *decoder, struct rrs_bytes bytes, struct rrs_saved_record *record);

// MARK: Compression and hashing

typedef struct rrs_compressor rrs_compressor;

rrs_compressor *rrs_compressor_create(int level);
void rrs_compressor_destroy(rrs_compressor *compressor);
// The space that compressing this many bytes can need.
size_t rrs_compress_bound(size_t byte_count);
// The compressed byte count, 0 if it failed.
size_t rrs_compress(rrs_compressor *compressor, struct rrs_bytes source, uint8_t *target, size_t capacity);

typedef struct rrs_decompressor rrs_decompressor;

rrs_decompressor *rrs_decompressor_create(void);
void rrs_decompressor_destroy(rrs_decompressor *decompressor);
// Whether the source is one frame that gives exactly `byte_count` bytes.
bool rrs_decompress(rrs_decompressor *decompressor, struct rrs_bytes source, uint8_t *target, size_t byte_count);

// Compression of what is too long for memory. Each call takes from `source` and gives to `target` what it can, and
// moves both on. `source_ends`: nothing comes behind it.
typedef struct rrs_stream_compressor rrs_stream_compressor;

enum rrs_stream_result { RRS_STREAM_MORE, RRS_STREAM_DONE, RRS_STREAM_FAILED };

// One frame with a checksum for `byte_count` bytes.
rrs_stream_compressor *rrs_stream_compressor_create(int level, uint64_t byte_count);
void rrs_stream_compressor_destroy(rrs_stream_compressor *compressor);
enum rrs_stream_result rrs_stream_compress(
    rrs_stream_compressor *compressor, struct rrs_bytes *source, bool source_ends, uint8_t **target, size_t *capacity);

typedef struct rrs_stream_decompressor rrs_stream_decompressor;

rrs_stream_decompressor *rrs_stream_decompressor_create(void);
void rrs_stream_decompressor_destroy(rrs_stream_decompressor *decompressor);
// Done at the end of a frame.
enum rrs_stream_result rrs_stream_decompress(
    rrs_stream_decompressor *decompressor, struct rrs_bytes *source, uint8_t **target, size_t *capacity);

// BLAKE2b with a digest of 32 bytes, of up to three ranges, one after the other.
void rrs_blake2b_256(struct rrs_bytes a, struct rrs_bytes b, struct rrs_bytes c, uint8_t *digest);

// The same of bytes that come in pieces.
typedef struct rrs_hasher rrs_hasher;

rrs_hasher *rrs_hasher_create(void);
void rrs_hasher_destroy(rrs_hasher *hasher);
void rrs_hasher_add(rrs_hasher *hasher, struct rrs_bytes bytes);
void rrs_hasher_finish(rrs_hasher *hasher, uint8_t *digest);

// MARK: The operating system; these exist for their declarations, which Swift's Glibc lacks

// The next byte behind `offset` that isn't in a hole, or is in one (lseek(2)): the offset or -errno.
int64_t rrs_seek_data(int descriptor, int64_t offset);
int64_t rrs_seek_hole(int descriptor, int64_t offset);
// copy_file_range(2) at an offset that is the same in both files: the byte count or -errno.
int64_t rrs_copy_file_range(int source, int target, int64_t offset, size_t byte_count);
// Names the calling thread, for ps(1) and debuggers.
void rrs_name_thread(const char *name);

// Where a part of a file lies on its device, in bytes.
struct rrs_extent {
  uint64_t offset, physical, byte_count;
};

// All extents of a file (ioctl FS_IOC_FIEMAP, Documentation/filesystems/fiemap.rst). False where they are more than
// `capacity`, or where one doesn't say for certain which blocks hold its bytes.
bool rrs_file_extents(int descriptor, struct rrs_extent *extents, size_t capacity, size_t *count);

// Makes `target` share the blocks of `source` (ioctl FICLONE, ioctl_ficlone(2)): 0 or -errno.
int rrs_clone_file(int target, int source);

#ifdef __cplusplus
}
#endif
