/// getsockopt(2) and setsockopt(2): the option says only in a few cases more than the length does.
enum SocketOptionRows {
  /// asm-generic/socket.h, linux/in.h, linux/socket.h
  private enum Level {
    static let ip: UInt64 = 0
    static let socket: UInt64 = 1
    static let tcp: UInt64 = 6
    static let ipv6: UInt64 = 41
    static let packet: UInt64 = 263
    static let netlink: UInt64 = 270
    static let xdp: UInt64 = 283
  }

  private static let ringNote = "A ring of packets is memory that the kernel changes without an event."

  static func get(level: UInt64, option: UInt64) -> SubcommandRow {
    let length = Parameter.Kind.inputOutput(.fixed(KernelSize.int), .int32)
    let name = name(level: level, option: option)
    switch (level, option) {
    case (Level.socket, 26):
      // SO_GET_FILTER counts instructions of 8 bytes, not bytes; a filter has at most 4096 (BPF_MAXINSNS).
      return SubcommandRow(option, "SO_GET_FILTER", [.output(.fixed(32768), .structure), length])
    case (Level.tcp, 35):
      return SubcommandRow(
        option, name, .never, .refuse(errno: 92), [.address, length],
        note: "Received pages would be mapped into the program.")
    default:
      return SubcommandRow(option, name, [.output(.lengthPointer(4), format(level, option)), length])
    }
  }

  static func set(level: UInt64, option: UInt64) -> SubcommandRow {
    let name = name(level: level, option: option)
    switch (level, option) {
    case (Level.packet, 5), (Level.packet, 13), (Level.netlink, 6), (Level.netlink, 7), (Level.xdp, 2 ... 6):
      return SubcommandRow(
        option, name, .never, .refuse(errno: 92), [.input(.argument(4)), .unsigned], note: ringNote)
    case (Level.ip, 64), (Level.ipv6, 64):
      // struct ipt_replace, 96 bytes: the number of counters at 84, where the old ones go at 88.
      let counters = Parameter.NestedBuffer(pointerAt: 88, .word32(at: 84, size: 16))
      return SubcommandRow(option, name, [.structureWithBuffers(.fixed(96), [counters]), .unsigned])
    default:
      return SubcommandRow(option, name, [.input(.argument(4), format(level, option)), .unsigned])
    }
  }

  private static func format(_ level: UInt64, _ option: UInt64) -> Parameter.Format {
    switch (level, option) {
    case (Level.socket, 20), (Level.socket, 21): .timeval
    case (Level.socket, 13), (Level.socket, 17), (Level.socket, 26), (Level.socket, 31), (Level.socket, 59): .bytes
    case (Level.socket, 25): .text
    case (Level.socket, _): .int32
    case (Level.tcp, 11), (Level.tcp, 13), (Level.tcp, 14): .bytes
    case (Level.tcp, 31): .text
    case (Level.tcp, _): .int32
    default: .bytes
    }
  }

  /// The option's name as its level has it.
  static func name(level: UInt64, option: UInt64) -> String {
    let table: NameTable? =
      switch level {
      case Level.socket: .socketOption
      case Level.tcp: .tcpOption
      case Level.ip: .ipOption
      case Level.ipv6: .ipv6Option
      case Level.packet: .packetOption
      case Level.netlink: .netlinkOption
      case Level.xdp: .xdpOption
      default: nil
      }
    return table?.name(of: option) ?? String(Int32(truncatingIfNeeded: option))
  }
}
