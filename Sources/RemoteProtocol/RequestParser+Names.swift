extension Request {
  /// The packets that begin with a word, after it.
  static let named: [String: Parse] = [
    "qSupported": { cursor in
      guard cursor.skip(":") else { return .supported([]) }
      return .supported(cursor.fields().map { String(decoding: $0, as: UTF8.self) })
    },
    "QStartNoAckMode": { _ in .startWithoutAcknowledgements },
    "qAttached": { _ in .attached },
    "qC": { _ in .currentThread },
    "qfThreadInfo": { _ in .firstThreads },
    "qsThreadInfo": { _ in .moreThreads },
    "qThreadExtraInfo": { cursor in cursor.skip(",") ? cursor.selector().map { .threadName($0) } : nil },
    "qSymbol": { _ in .symbols },
    "qOffsets": { _ in .offsets },
    "qTStatus": { _ in .offsets },
    "qXfer": parseObject,
    "qSearch": { cursor in
      guard cursor.skip(":memory:"), let address = cursor.number(), cursor.skip(";"), let count = cursor.number(),
        cursor.skip(";")
      else { return nil }
      return .searchMemory(address, count: count, pattern: Array(cursor.rest()))
    },
    "qGetTLSAddr": { cursor in
      guard cursor.skip(":"), let thread = cursor.selector(), cursor.skip(","), let (offset, map) = cursor.range()
      else { return nil }
      return .threadLocalAddress(thread, offset: offset, linkMap: map)
    },
    "QPassSignals": { cursor in
      guard cursor.skip(":") else { return nil }
      var signals: [Int32] = []
      while !cursor.isAtEnd {
        guard let signal = cursor.int32() else { return nil }
        signals.append(signal)
        guard cursor.skip(";") || cursor.isAtEnd else { return nil }
      }
      return .passSignals(signals)
    },
    "qRRCmd": { cursor in
      guard cursor.skip(":") else { return nil }
      let name = String(decoding: cursor.upTo(":"), as: UTF8.self)
      guard cursor.skip(":") else { return .command(name: name, thread: nil, arguments: []) }
      let thread = cursor.skip("-1") ? nil : cursor.int32()
      var arguments: [[UInt8]] = []
      while cursor.skip(":") {
        guard let bytes = Hex.decode(cursor.upTo(":")) else { return nil }
        arguments.append(bytes)
      }
      return cursor.isAtEnd ? .command(name: name, thread: thread, arguments: arguments) : nil
    },
    "qRcmd": { cursor in cursor.skip(",") ? Hex.decode(cursor.rest()).map { .monitor($0) } : nil },
    "vCont": parseContinue,
    "vKill": { cursor in
      guard cursor.skip(";") else { return .killProcess(nil) }
      return cursor.int32().map { .killProcess($0) }
    },
    "vRun": { cursor in
      var words: [[UInt8]] = []
      while cursor.skip(";") {
        guard let word = cursor.hexBytes() else { return nil }
        words.append(word)
      }
      guard cursor.isAtEnd, let program = words.first else { return nil }
      return .run(program: program, arguments: Array(words.dropFirst()))
    },
    "vFile": parseFile,
    "QListThreadsInStopReply": { _ in .listThreadsInStopReplies },
    "QThreadSuffixSupported": { _ in .threadSuffixes },
    "QSaveRegisterState": { cursor in cursor.suffix().map { .saveRegisters($0) } },
    "QRestoreRegisterState": { cursor in
      guard cursor.skip(":"), let number = cursor.int(), let thread = cursor.suffix() else { return nil }
      return .restoreRegisters(number, thread)
    },
    "qMemoryRegionInfo": { cursor in cursor.skip(":") ? cursor.number().map { .memoryRegion($0) } : nil },
  ]

  /// `:object:read:annex:offset,count` or `:object:write:annex:offset:data`.
  private static let parseObject: Parse = { cursor in
    guard cursor.skip(":") else { return nil }
    let name = String(decoding: cursor.upTo(":"), as: UTF8.self)
    guard cursor.skip(":") else { return nil }
    let operation = String(decoding: cursor.upTo(":"), as: UTF8.self)
    guard cursor.skip(":") else { return nil }
    let annex = String(decoding: cursor.upTo(":"), as: UTF8.self)
    guard cursor.skip(":"), let offset = cursor.number() else { return nil }
    switch operation {
    case "read":
      guard cursor.skip(","), let count = cursor.number() else { return nil }
      return .readObject(name: name, annex: annex, offset: offset, count: count)
    case "write":
      guard cursor.skip(":") else { return nil }
      return .writeObject(name: name, annex: annex, offset: offset, Array(cursor.rest()))
    default: return nil
    }
  }

  /// `?`, or actions: `;c`, `;C05`, `;s`, `;S05`, each with `:thread-id` or without.
  private static let parseContinue: Parse = { cursor in
    if cursor.skip("?") { return .resumeActions }
    var actions: [ResumeAction] = []
    while cursor.skip(";") {
      guard let letter = cursor.take() else { return nil }
      switch letter {
      case UInt8(ascii: "c"), UInt8(ascii: "s"): break
      case UInt8(ascii: "C"), UInt8(ascii: "S"): guard cursor.number() != nil else { return nil }
      default: return nil
      }
      var action = ResumeAction(steps: letter | 0x20 == UInt8(ascii: "s"))
      if cursor.skip(":") {
        guard let thread = cursor.selector() else { return nil }
        action.thread = thread
      }
      actions.append(action)
    }
    return cursor.isAtEnd && !actions.isEmpty ? .resume(actions) : nil
  }

  private static let parseFile: Parse = { cursor in
    guard cursor.skip(":") else { return nil }
    let operation = String(decoding: cursor.upTo(":"), as: UTF8.self)
    guard cursor.skip(":") else { return nil }
    switch operation {
    case "setfs": return cursor.int32().map { .setFileSystem(process: $0) }
    case "open":
      guard let path = Hex.decode(cursor.upTo(",")), cursor.skip(","), let (flags, mode) = cursor.range()
      else { return nil }
      return .openFile(path: path, flags: flags, mode: mode)
    case "close": return cursor.int32().map { .closeFile($0) }
    case "pread":
      guard let descriptor = cursor.int32(), cursor.skip(","), let (count, offset) = cursor.range() else { return nil }
      return .readFile(descriptor, count: count, offset: offset)
    case "fstat": return cursor.int32().map { .fileStatus($0) }
    case "readlink": return Hex.decode(cursor.rest()).map { .readLink(path: $0) }
    default: return .unknown
    }
  }
}

extension TextCursor {
  /// The rest, split at `;`.
  mutating func fields() -> [ArraySlice<UInt8>] { rest().split(separator: UInt8(ascii: ";")) }
}
