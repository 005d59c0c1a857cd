// Cap'n Proto messages from and to the flat structures of CTraceFormat.h.

#include "messages.hpp"

#include <new>

#include "generated/trace.capnp.h"
// The generated source itself: SwiftPM would not compile a file of that ending.
#include "generated/trace.capnp.inc"

using namespace rrs;

namespace {

void fillSyscall(schema::SyscallEvent::Builder target, const rrs_event &event) {
  target.setNumber(event.syscall_number);
  target.setPhase(event.phase);
  if (event.opened_file_count > 0) {
    auto files = target.initOpenedFiles(event.opened_file_count);
    std::string storage;
    for (unsigned i = 0; i < files.size(); i++) {
      const rrs_opened_file &file = event.opened_files[i];
      files[i].setDescriptor(file.descriptor);
      files[i].setPath(text(file.path, storage));
      files[i].setDevice(file.device);
      files[i].setInode(file.inode);
    }
  }
  target.setHasWriteOffset(event.has_write_offset);
  target.setWriteOffset(event.write_offset);
  if (event.local_address.count > 0) target.setLocalAddress(data(event.local_address));
  if (event.remote_address.count > 0) target.setRemoteAddress(data(event.remote_address));
  target.setShownOn(event.shown_on);
  target.setHasNewTid(event.has_new_tid);
  target.setNewTid(event.new_tid);
}

void readSyscall(schema::SyscallEvent::Reader source, rrs_decoder *decoder, rrs_event *event) {
  event->syscall_number = source.getNumber();
  event->phase = source.getPhase();
  decoder->openedFiles.clear();
  for (auto file : source.getOpenedFiles()) {
    decoder->openedFiles.push_back({bytes(file.getPath()), file.getDevice(), file.getInode(), file.getDescriptor()});
  }
  event->opened_files = decoder->openedFiles.data();
  event->opened_file_count = decoder->openedFiles.size();
  event->has_write_offset = source.getHasWriteOffset();
  event->write_offset = source.getWriteOffset();
  event->local_address = bytes(source.getLocalAddress());
  event->remote_address = bytes(source.getRemoteAddress());
  event->shown_on = source.getShownOn();
  event->has_new_tid = source.getHasNewTid();
  event->new_tid = source.getNewTid();
}

void fillCheckpoint(schema::Checkpoint::Builder target, const rrs_event &event) {
  target.setId(event.checkpoint_id);
  target.setStateHash(data(event.payload));
}

void readCheckpoint(schema::Checkpoint::Reader source, rrs_event *event) {
  event->checkpoint_id = source.getId();
  event->payload = bytes(source.getStateHash());
}

void fillSignal(schema::SignalEvent::Builder target, const rrs_event &event) {
  target.setSignal(event.signal);
  target.setSiginfo(data(event.payload));
  target.setIsDeterministic(event.is_deterministic);
  target.setDisposition(event.disposition);
}

void readSignal(schema::SignalEvent::Reader source, rrs_event *event) {
  event->signal = source.getSignal();
  event->payload = bytes(source.getSiginfo());
  event->is_deterministic = source.getIsDeterministic();
  event->disposition = source.getDisposition();
}

void fillWrites(schema::Event::Builder target, const rrs_event &event) {
  if (event.memory_write_count > 0) {
    auto writes = target.initMemoryWrites(event.memory_write_count);
    for (unsigned i = 0; i < writes.size(); i++) {
      const rrs_memory_write &write = event.memory_writes[i];
      writes[i].setTid(write.tid);
      writes[i].setAddress(write.address);
      writes[i].setDataOffset(write.data_offset);
      writes[i].setDataByteCount(write.data_byte_count);
    }
  }
  if (event.file_write_count > 0) {
    auto writes = target.initFileWrites(event.file_write_count);
    for (unsigned i = 0; i < writes.size(); i++) {
      const rrs_file_write &write = event.file_writes[i];
      writes[i].setDevice(write.device);
      writes[i].setInode(write.inode);
      writes[i].setOffset(write.offset);
      writes[i].setDataOffset(write.data_offset);
      writes[i].setDataByteCount(write.data_byte_count);
      writes[i].setNewSize(write.new_size);
    }
  }
}

void readWrites(schema::Event::Reader source, rrs_decoder *decoder, rrs_event *event) {
  decoder->memoryWrites.clear();
  for (auto write : source.getMemoryWrites()) {
    decoder->memoryWrites.push_back(
        {write.getAddress(), write.getDataOffset(), write.getDataByteCount(), write.getTid()});
  }
  event->memory_writes = decoder->memoryWrites.data();
  event->memory_write_count = decoder->memoryWrites.size();
  decoder->fileWrites.clear();
  for (auto write : source.getFileWrites()) {
    decoder->fileWrites.push_back(
        {write.getDevice(), write.getInode(), write.getOffset(), write.getDataOffset(), write.getDataByteCount(),
         write.getNewSize()});
  }
  event->file_writes = decoder->fileWrites.data();
  event->file_write_count = decoder->fileWrites.size();
}

void fillEvent(schema::Event::Builder target, const rrs_event &event) {
  target.setNumber(event.number);
  target.setTid(event.tid);
  target.setTicks(event.ticks);
  target.setMonotonicNanoseconds(event.monotonic_nanoseconds);
  if (event.registers.count > 0) target.setRegisters(data(event.registers));
  if (event.extended_state.count > 0) target.setExtendedState(data(event.extended_state));
  fillWrites(target, event);
  target.setHasMemoryChecksum(event.has_memory_checksum);
  target.setMemoryChecksum(event.memory_checksum);
  std::string storage;
  switch (event.kind) {
  case RRS_EVENT_SYSCALL: fillSyscall(target.initSyscall(), event); break;
  case RRS_EVENT_SIGNAL: fillSignal(target.initSignal(), event); break;
  case RRS_EVENT_INSTRUCTION: target.setInstruction(event.instruction); break;
  case RRS_EVENT_PREEMPTION: target.setPreemption(); break;
  case RRS_EVENT_EXIT: target.setExit(event.exit_status); break;
  case RRS_EVENT_IMAGE_START: target.setImageStart(); break;
  case RRS_EVENT_CHECKPOINT_SAVED: fillCheckpoint(target.initCheckpointSaved(), event); break;
  case RRS_EVENT_CHECKPOINT_LOADED: fillCheckpoint(target.initCheckpointLoaded(), event); break;
  case RRS_EVENT_NOTE: target.setNote(text(event.payload, storage)); break;
  default: target.setEnd(); break;
  }
}

bool readEvent(schema::Event::Reader source, rrs_decoder *decoder, rrs_event *event) {
  *event = rrs_event{};
  event->number = source.getNumber();
  event->tid = source.getTid();
  event->ticks = source.getTicks();
  event->monotonic_nanoseconds = source.getMonotonicNanoseconds();
  event->registers = bytes(source.getRegisters());
  event->extended_state = bytes(source.getExtendedState());
  readWrites(source, decoder, event);
  event->has_memory_checksum = source.getHasMemoryChecksum();
  event->memory_checksum = source.getMemoryChecksum();
  switch (source.which()) {
  case schema::Event::SYSCALL:
    event->kind = RRS_EVENT_SYSCALL;
    readSyscall(source.getSyscall(), decoder, event);
    return true;
  case schema::Event::SIGNAL:
    event->kind = RRS_EVENT_SIGNAL;
    readSignal(source.getSignal(), event);
    return true;
  case schema::Event::INSTRUCTION:
    event->kind = RRS_EVENT_INSTRUCTION;
    event->instruction = source.getInstruction();
    return true;
  case schema::Event::PREEMPTION: event->kind = RRS_EVENT_PREEMPTION; return true;
  case schema::Event::EXIT:
    event->kind = RRS_EVENT_EXIT;
    event->exit_status = source.getExit();
    return true;
  case schema::Event::IMAGE_START: event->kind = RRS_EVENT_IMAGE_START; return true;
  case schema::Event::CHECKPOINT_SAVED:
    event->kind = RRS_EVENT_CHECKPOINT_SAVED;
    readCheckpoint(source.getCheckpointSaved(), event);
    return true;
  case schema::Event::CHECKPOINT_LOADED:
    event->kind = RRS_EVENT_CHECKPOINT_LOADED;
    readCheckpoint(source.getCheckpointLoaded(), event);
    return true;
  case schema::Event::NOTE:
    event->kind = RRS_EVENT_NOTE;
    event->payload = bytes(source.getNote());
    return true;
  case schema::Event::END: event->kind = RRS_EVENT_END; return true;
  }
  decoder->error = "an event of unknown kind";
  return false;
}

void fillMapping(schema::Mapping::Builder target, const rrs_mapping &mapping) {
  std::string storage;
  target.setEvent(mapping.event);
  target.setTid(mapping.tid);
  target.setStart(mapping.start);
  target.setEnd(mapping.end);
  target.setProtection(mapping.protection);
  target.setFlags(mapping.flags);
  target.setName(text(mapping.name, storage));
  target.setFileOffset(mapping.file_offset);
  target.setDevice(mapping.device);
  target.setInode(mapping.inode);
  target.setFileSize(mapping.file_size);
  target.setFileModified(mapping.file_modified);
  target.setFileMode(mapping.file_mode);
  target.setFileUserId(mapping.file_user_id);
  target.setFileGroupId(mapping.file_group_id);
  if (mapping.content_hash.count > 0) target.setContentHash(data(mapping.content_hash));
  auto source = target.getSource();
  switch (mapping.source) {
  case RRS_MAPPING_DATA: {
    auto range = source.initData();
    range.setOffset(mapping.data_offset);
    range.setByteCount(mapping.data_byte_count);
    break;
  }
  case RRS_MAPPING_TRACE_FILE: source.setTraceFile(text(mapping.file, storage)); break;
  case RRS_MAPPING_OUTSIDE_FILE: source.setOutsideFile(text(mapping.file, storage)); break;
  default: source.setZero(); break;
  }
}

bool readMapping(schema::Mapping::Reader reader, rrs_decoder *decoder, rrs_mapping *mapping) {
  *mapping = rrs_mapping{};
  mapping->event = reader.getEvent();
  mapping->tid = reader.getTid();
  mapping->start = reader.getStart();
  mapping->end = reader.getEnd();
  mapping->protection = reader.getProtection();
  mapping->flags = reader.getFlags();
  mapping->name = bytes(reader.getName());
  mapping->file_offset = reader.getFileOffset();
  mapping->device = reader.getDevice();
  mapping->inode = reader.getInode();
  mapping->file_size = reader.getFileSize();
  mapping->file_modified = reader.getFileModified();
  mapping->file_mode = reader.getFileMode();
  mapping->file_user_id = reader.getFileUserId();
  mapping->file_group_id = reader.getFileGroupId();
  mapping->content_hash = bytes(reader.getContentHash());
  auto source = reader.getSource();
  switch (source.which()) {
  case schema::Mapping::Source::ZERO: mapping->source = RRS_MAPPING_ZERO; return true;
  case schema::Mapping::Source::DATA:
    mapping->source = RRS_MAPPING_DATA;
    mapping->data_offset = source.getData().getOffset();
    mapping->data_byte_count = source.getData().getByteCount();
    return true;
  case schema::Mapping::Source::TRACE_FILE:
    mapping->source = RRS_MAPPING_TRACE_FILE;
    mapping->file = bytes(source.getTraceFile());
    return true;
  case schema::Mapping::Source::OUTSIDE_FILE:
    mapping->source = RRS_MAPPING_OUTSIDE_FILE;
    mapping->file = bytes(source.getOutsideFile());
    return true;
  }
  decoder->error = "a mapping of unknown source";
  return false;
}

void fillTracee(schema::Tracee::Builder target, const rrs_tracee &tracee) {
  target.setEvent(tracee.event);
  target.setTid(tracee.tid);
  switch (tracee.kind) {
  case RRS_TRACEE_CLONE: {
    auto clone = target.initClone();
    clone.setParent(tracee.parent);
    clone.setFlags(tracee.clone_flags);
    clone.setOwnNamespaceTid(tracee.own_namespace_tid);
    clone.setThreadGroup(tracee.thread_group);
    break;
  }
  case RRS_TRACEE_EXEC: {
    auto exec = target.initExec();
    std::string storage;
    exec.setFileName(text(tracee.file_name, storage));
    fillTexts(exec.initCommandLine(tracee.command_line.count), tracee.command_line);
    fillTexts(exec.initEnvironment(tracee.environment.count), tracee.environment);
    exec.setExecutableBase(tracee.executable_base);
    exec.setInterpreterBase(tracee.interpreter_base);
    exec.setInterpreterName(text(tracee.interpreter_name, storage));
    exec.setPreviousTid(tracee.previous_tid);
    break;
  }
  case RRS_TRACEE_EXIT: target.setExit(tracee.exit_status); break;
  default: target.setDetach(); break;
  }
}

bool readTracee(schema::Tracee::Reader reader, rrs_decoder *decoder, rrs_tracee *tracee) {
  *tracee = rrs_tracee{};
  tracee->event = reader.getEvent();
  tracee->tid = reader.getTid();
  switch (reader.which()) {
  case schema::Tracee::CLONE: {
    auto clone = reader.getClone();
    tracee->kind = RRS_TRACEE_CLONE;
    tracee->parent = clone.getParent();
    tracee->clone_flags = clone.getFlags();
    tracee->own_namespace_tid = clone.getOwnNamespaceTid();
    tracee->thread_group = clone.getThreadGroup();
    return true;
  }
  case schema::Tracee::EXEC: {
    auto exec = reader.getExec();
    tracee->kind = RRS_TRACEE_EXEC;
    tracee->file_name = bytes(exec.getFileName());
    tracee->command_line = texts(exec.getCommandLine(), decoder->lists[0]);
    tracee->environment = texts(exec.getEnvironment(), decoder->lists[1]);
    tracee->executable_base = exec.getExecutableBase();
    tracee->interpreter_base = exec.getInterpreterBase();
    tracee->interpreter_name = bytes(exec.getInterpreterName());
    tracee->previous_tid = exec.getPreviousTid();
    return true;
  }
  case schema::Tracee::EXIT:
    tracee->kind = RRS_TRACEE_EXIT;
    tracee->exit_status = reader.getExit();
    return true;
  case schema::Tracee::DETACH: tracee->kind = RRS_TRACEE_DETACH; return true;
  }
  decoder->error = "a tracee record of unknown kind";
  return false;
}

void fillHeader(schema::Header::Builder target, const rrs_header &header) {
  std::string storage;
  target.setUuid(data(header.uuid));
  target.setTickDefinition(header.tick_definition);
  target.setEngine(text(header.engine, storage));
  target.setRrsVersion(text(header.rrs_version, storage));
  fillTexts(target.initKernel(header.kernel.count), header.kernel);
  auto cpuid = target.initCpuid(header.cpuid_count);
  for (unsigned i = 0; i < cpuid.size(); i++) {
    const rrs_cpuid_record &record = header.cpuid[i];
    cpuid[i].setLeaf(record.leaf);
    cpuid[i].setSubleaf(record.subleaf);
    cpuid[i].setEax(record.eax);
    cpuid[i].setEbx(record.ebx);
    cpuid[i].setEcx(record.ecx);
    cpuid[i].setEdx(record.edx);
  }
  target.setHasCpuidFaulting(header.has_cpuid_faulting);
  target.setXcr0(header.xcr0);
  target.setExtendedStateByteCount(header.extended_state_byte_count);
  target.setBoundToCpu(header.bound_to_cpu);
  target.setSyscallBuffering(header.syscall_buffering);
  target.setChaosMode(header.chaos_mode);
  target.setSchedulingSeed(header.scheduling_seed);
  target.setChecksumInterval(header.checksum_interval);
  target.setProgram(text(header.program, storage));
  fillTexts(target.initCommandLine(header.command_line.count), header.command_line);
  fillTexts(target.initEnvironment(header.environment.count), header.environment);
  target.setWorkingDirectory(text(header.working_directory, storage));
  target.setStartRealtimeNanoseconds(header.start_realtime_nanoseconds);
  target.setStartMonotonicNanoseconds(header.start_monotonic_nanoseconds);
}

bool readHeader(schema::Header::Reader reader, rrs_decoder *decoder, rrs_header *header) {
  *header = rrs_header{};
  header->uuid = bytes(reader.getUuid());
  header->tick_definition = reader.getTickDefinition();
  header->engine = bytes(reader.getEngine());
  header->rrs_version = bytes(reader.getRrsVersion());
  header->kernel = texts(reader.getKernel(), decoder->lists[0]);
  decoder->cpuid.clear();
  for (auto record : reader.getCpuid()) {
    decoder->cpuid.push_back(
        {record.getLeaf(), record.getSubleaf(), record.getEax(), record.getEbx(), record.getEcx(), record.getEdx()});
  }
  header->cpuid = decoder->cpuid.data();
  header->cpuid_count = decoder->cpuid.size();
  header->has_cpuid_faulting = reader.getHasCpuidFaulting();
  header->xcr0 = reader.getXcr0();
  header->extended_state_byte_count = reader.getExtendedStateByteCount();
  header->bound_to_cpu = reader.getBoundToCpu();
  header->syscall_buffering = reader.getSyscallBuffering();
  header->chaos_mode = reader.getChaosMode();
  header->scheduling_seed = reader.getSchedulingSeed();
  header->checksum_interval = reader.getChecksumInterval();
  header->program = bytes(reader.getProgram());
  header->command_line = texts(reader.getCommandLine(), decoder->lists[1]);
  header->environment = texts(reader.getEnvironment(), decoder->lists[2]);
  header->working_directory = bytes(reader.getWorkingDirectory());
  header->start_realtime_nanoseconds = reader.getStartRealtimeNanoseconds();
  header->start_monotonic_nanoseconds = reader.getStartMonotonicNanoseconds();
  return true;
}

} // namespace

extern "C" {

rrs_encoder *rrs_encoder_create(void) {
  try {
    return new rrs_encoder;
  } catch (...) {
    return nullptr;
  }
}

void rrs_encoder_destroy(rrs_encoder *encoder) { delete encoder; }

rrs_bytes rrs_encode_header(rrs_encoder *encoder, const rrs_header *header) {
  return encode<schema::Header>(encoder, [&](schema::Header::Builder root) { fillHeader(root, *header); });
}

rrs_bytes rrs_encode_event(rrs_encoder *encoder, const rrs_event *event) {
  return encode<schema::Event>(encoder, [&](schema::Event::Builder root) { fillEvent(root, *event); });
}

rrs_bytes rrs_encode_mapping(rrs_encoder *encoder, const rrs_mapping *mapping) {
  return encode<schema::Mapping>(encoder, [&](schema::Mapping::Builder root) { fillMapping(root, *mapping); });
}

rrs_bytes rrs_encode_tracee(rrs_encoder *encoder, const rrs_tracee *tracee) {
  return encode<schema::Tracee>(encoder, [&](schema::Tracee::Builder root) { fillTracee(root, *tracee); });
}

rrs_decoder *rrs_decoder_create(void) {
  try {
    return new rrs_decoder;
  } catch (...) {
    return nullptr;
  }
}

void rrs_decoder_destroy(rrs_decoder *decoder) { delete decoder; }

const char *rrs_decoder_error(const rrs_decoder *decoder) { return decoder->error.c_str(); }

size_t rrs_decode_header(rrs_decoder *decoder, rrs_bytes bytes, rrs_header *header) {
  return decode<schema::Header>(
      decoder, bytes, [&](schema::Header::Reader root) { return readHeader(root, decoder, header); });
}

size_t rrs_decode_event(rrs_decoder *decoder, rrs_bytes bytes, rrs_event *event) {
  return decode<schema::Event>(
      decoder, bytes, [&](schema::Event::Reader root) { return readEvent(root, decoder, event); });
}

size_t rrs_decode_mapping(rrs_decoder *decoder, rrs_bytes bytes, rrs_mapping *mapping) {
  return decode<schema::Mapping>(
      decoder, bytes, [&](schema::Mapping::Reader root) { return readMapping(root, decoder, mapping); });
}

size_t rrs_decode_tracee(rrs_decoder *decoder, rrs_bytes bytes, rrs_tracee *tracee) {
  return decode<schema::Tracee>(
      decoder, bytes, [&](schema::Tracee::Reader root) { return readTracee(root, decoder, tracee); });
}

} // extern "C"
