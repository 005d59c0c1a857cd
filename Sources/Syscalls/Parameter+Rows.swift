/// Short spellings for the rows of the table.
extension Parameter {
  package static let fd = Parameter("fd", .descriptor)
  package static let dfd = Parameter("dfd", .descriptor)
  package static let filename = Parameter("filename", .path)
  package static let offset = Parameter("offset", .long)
  package static let sigsetsize = Parameter("sigsetsize", .unsigned)

  package static func int(_ name: String) -> Parameter { Parameter(name, .integer) }
  package static func long(_ name: String) -> Parameter { Parameter(name, .long) }
  package static func unsigned(_ name: String) -> Parameter { Parameter(name, .unsigned) }
  package static func hex(_ name: String) -> Parameter { Parameter(name, .hex) }
  package static func descriptor(_ name: String) -> Parameter { Parameter(name, .descriptor) }
  package static func mode(_ name: String) -> Parameter { Parameter(name, .mode) }
  package static func pid(_ name: String) -> Parameter { Parameter(name, .pid) }
  package static func signal(_ name: String) -> Parameter { Parameter(name, .signal) }
  package static func uid(_ name: String) -> Parameter { Parameter(name, .uid) }
  package static func address(_ name: String) -> Parameter { Parameter(name, .address) }
  package static func path(_ name: String) -> Parameter { Parameter(name, .path) }
  package static func string(_ name: String) -> Parameter { Parameter(name, .string) }
  package static func flags(_ name: String, _ table: NameTable) -> Parameter { Parameter(name, .flags(table)) }
  package static func choice(_ name: String, _ table: NameTable) -> Parameter { Parameter(name, .choice(table)) }

  package static func input(_ name: String, _ count: ByteCount, _ format: Format = .bytes) -> Parameter {
    Parameter(name, .input(count, format))
  }
  package static func output(_ name: String, _ count: ByteCount, _ format: Format = .bytes) -> Parameter {
    Parameter(name, .output(count, format))
  }
  package static func inputOutput(_ name: String, _ count: ByteCount, _ format: Format = .bytes) -> Parameter {
    Parameter(name, .inputOutput(count, format))
  }
  /// A structure that the kernel reads, of `size` bytes.
  package static func input(_ name: String, size: Int, _ format: Format = .structure) -> Parameter {
    Parameter(name, .input(.fixed(size), format))
  }
  /// A structure that the kernel writes, of `size` bytes.
  package static func output(_ name: String, size: Int, _ format: Format = .structure) -> Parameter {
    Parameter(name, .output(.fixed(size), format))
  }
  /// A structure that the kernel reads and writes, of `size` bytes.
  package static func inputOutput(_ name: String, size: Int, _ format: Format = .structure) -> Parameter {
    Parameter(name, .inputOutput(.fixed(size), format))
  }
}
