/// One thing that `rrs doctor` looks at: what it is, what is the case, what follows, and what can be done.
struct MachineCheck {
  var name: String
  var value: String
  var status: Status
  var consequence: String
  /// Nil where nothing needs to be done.
  var remedy: String?

  enum Status: String {
    /// As rrs wants it.
    case ok
    /// Recording works, with less than it could have.
    case limited
    /// Recording can't work.
    case broken
  }

  init(_ name: String, _ value: String, _ status: Status, _ consequence: String, remedy: String? = nil) {
    self.name = name
    self.value = value
    self.status = status
    self.consequence = consequence
    self.remedy = remedy
  }
}
