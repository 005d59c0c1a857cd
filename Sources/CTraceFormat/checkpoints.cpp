// The messages of persistent checkpoints.

#include "messages.hpp"

#include "generated/checkpoint.capnp.h"
// The generated source itself: SwiftPM would not compile a file of that ending.
#include "generated/checkpoint.capnp.inc"

using namespace rrs;

namespace {

void fillPlace(schema::SavedPlace::Builder target, const rrs_saved_record &record) {
  std::string storage;
  target.setId(record.id);
  target.setTraceUuid(data(record.trace_uuid));
  target.setEvent(record.event);
  target.setTicks(record.ticks);
  target.setProgramCounter(record.program_counter);
  target.setIsAtEvent(record.is_at_event);
  target.setIsAtStageStart(record.is_at_stage_start);
  target.setWork(record.work);
  target.setStateHash(data(record.state_hash));
  target.setRootTid(record.root_tid);
  target.setNumber(record.number);
  target.setLabel(text(record.name, storage));
  target.setProcess(record.process);
  target.setThread(record.thread);
}

void readPlace(schema::SavedPlace::Reader source, rrs_saved_record *record) {
  record->id = source.getId();
  record->trace_uuid = bytes(source.getTraceUuid());
  record->event = source.getEvent();
  record->ticks = source.getTicks();
  record->program_counter = source.getProgramCounter();
  record->is_at_event = source.getIsAtEvent();
  record->is_at_stage_start = source.getIsAtStageStart();
  record->work = source.getWork();
  record->state_hash = bytes(source.getStateHash());
  record->root_tid = source.getRootTid();
  record->number = source.getNumber();
  record->name = bytes(source.getLabel());
  record->process = source.getProcess();
  record->thread = source.getThread();
}

void fillPages(schema::SavedPages::Builder target, const rrs_saved_record &record) {
  target.setRuns(data(record.page_runs));
  target.setPlaces(data(record.page_places));
}

void readPages(schema::SavedPages::Reader source, rrs_saved_record *record) {
  record->page_runs = bytes(source.getRuns());
  record->page_places = bytes(source.getPlaces());
}

void fillRegion(schema::SavedRegion::Builder target, const rrs_saved_record &record) {
  target.setStart(record.start);
  target.setEnd(record.end);
  target.setProtection(record.protection);
  target.setGrowsDown(record.grows_down);
  target.setNoReserve(record.no_reserve);
  target.setDontFork(record.dont_fork);
  target.setWipeOnFork(record.wipe_on_fork);
  target.setFileOffset(record.file_offset);
  auto source = target.getSource();
  switch (record.source) {
  case RRS_SAVED_RECORD: {
    auto group = source.initRecord();
    group.setEvent(record.record_event);
    group.setStart(record.record_start);
    break;
  }
  case RRS_SAVED_SHARED: {
    auto group = source.initShared();
    group.setDevice(record.device);
    group.setInode(record.inode);
    break;
  }
  default: source.setAnonymous(); break;
  }
  fillPages(target.initPages(), record);
}

bool readRegion(schema::SavedRegion::Reader reader, rrs_saved_record *record) {
  record->start = reader.getStart();
  record->end = reader.getEnd();
  record->protection = reader.getProtection();
  record->grows_down = reader.getGrowsDown();
  record->no_reserve = reader.getNoReserve();
  record->dont_fork = reader.getDontFork();
  record->wipe_on_fork = reader.getWipeOnFork();
  record->file_offset = reader.getFileOffset();
  readPages(reader.getPages(), record);
  auto source = reader.getSource();
  switch (source.which()) {
  case schema::SavedRegion::Source::ANONYMOUS: record->source = RRS_SAVED_ANONYMOUS; return true;
  case schema::SavedRegion::Source::RECORD:
    record->source = RRS_SAVED_RECORD;
    record->record_event = source.getRecord().getEvent();
    record->record_start = source.getRecord().getStart();
    return true;
  case schema::SavedRegion::Source::SHARED:
    record->source = RRS_SAVED_SHARED;
    record->device = source.getShared().getDevice();
    record->inode = source.getShared().getInode();
    return true;
  }
  return false;
}

void fillFile(schema::SavedFile::Builder target, const rrs_saved_record &record) {
  target.setDevice(record.device);
  target.setInode(record.inode);
  target.setByteCount(record.byte_count);
  fillPages(target.initPages(), record);
}

void readFile(schema::SavedFile::Reader source, rrs_saved_record *record) {
  record->device = source.getDevice();
  record->inode = source.getInode();
  record->byte_count = source.getByteCount();
  readPages(source.getPages(), record);
}

void fillTracee(schema::SavedTracee::Builder target, const rrs_saved_record &record) {
  std::string storage;
  target.setTid(record.thread);
  target.setThreadGroup(record.process);
  target.setSpace(record.space);
  target.setTicks(record.ticks);
  target.setRegisters(data(record.registers));
  target.setExtendedState(data(record.extended_state));
  target.setIsInSyscall(record.is_in_syscall);
  target.setIsNewborn(record.is_newborn);
  target.setIsInterrupted(record.is_interrupted);
  target.setIsFresh(record.is_fresh);
  target.setHasPausedAtSignal(record.has_paused_at_signal);
  target.setHasMetSignal(record.has_met_signal);
  target.setHasName(record.has_name);
  target.setName(text(record.name, storage));
}

void readTracee(schema::SavedTracee::Reader source, rrs_saved_record *record) {
  record->thread = source.getTid();
  record->process = source.getThreadGroup();
  record->space = source.getSpace();
  record->ticks = source.getTicks();
  record->registers = bytes(source.getRegisters());
  record->extended_state = bytes(source.getExtendedState());
  record->is_in_syscall = source.getIsInSyscall();
  record->is_newborn = source.getIsNewborn();
  record->is_interrupted = source.getIsInterrupted();
  record->is_fresh = source.getIsFresh();
  record->has_paused_at_signal = source.getHasPausedAtSignal();
  record->has_met_signal = source.getHasMetSignal();
  record->has_name = source.getHasName();
  record->name = bytes(source.getName());
}

void fillRecord(schema::SavedRecord::Builder target, const rrs_saved_record &record) {
  switch (record.kind) {
  case RRS_SAVED_PLACE: fillPlace(target.initPlace(), record); break;
  case RRS_SAVED_SPACE: {
    auto space = target.initSpace();
    space.setProgramBreak(record.program_break);
    space.setStackLimit(record.stack_limit);
    break;
  }
  case RRS_SAVED_REGION: fillRegion(target.initRegion(), record); break;
  case RRS_SAVED_FILE: fillFile(target.initFile(), record); break;
  default: fillTracee(target.initTracee(), record); break;
  }
}

bool readRecord(schema::SavedRecord::Reader source, rrs_decoder *decoder, rrs_saved_record *record) {
  *record = rrs_saved_record{};
  switch (source.which()) {
  case schema::SavedRecord::PLACE:
    record->kind = RRS_SAVED_PLACE;
    readPlace(source.getPlace(), record);
    return true;
  case schema::SavedRecord::SPACE:
    record->kind = RRS_SAVED_SPACE;
    record->program_break = source.getSpace().getProgramBreak();
    record->stack_limit = source.getSpace().getStackLimit();
    return true;
  case schema::SavedRecord::REGION:
    record->kind = RRS_SAVED_REGION;
    if (readRegion(source.getRegion(), record)) return true;
    break;
  case schema::SavedRecord::FILE:
    record->kind = RRS_SAVED_FILE;
    readFile(source.getFile(), record);
    return true;
  case schema::SavedRecord::TRACEE:
    record->kind = RRS_SAVED_TRACEE;
    readTracee(source.getTracee(), record);
    return true;
  }
  decoder->error = "a checkpoint's record of unknown kind";
  return false;
}

} // namespace

extern "C" {

rrs_bytes rrs_encode_saved_record(rrs_encoder *encoder, const rrs_saved_record *record) {
  return encode<schema::SavedRecord>(
      encoder, [&](schema::SavedRecord::Builder root) { fillRecord(root, *record); });
}

size_t rrs_decode_saved_record(rrs_decoder *decoder, rrs_bytes source, rrs_saved_record *record) {
  return decode<schema::SavedRecord>(
      decoder, source, [&](schema::SavedRecord::Reader root) { return readRecord(root, decoder, record); });
}

} // extern "C"
