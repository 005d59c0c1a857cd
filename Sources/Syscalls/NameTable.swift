package enum NameTable: String, Sendable { case none }
