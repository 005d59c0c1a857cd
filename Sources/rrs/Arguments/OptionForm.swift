/// How one option is spelled.
package struct OptionForm: Equatable, Sendable {
  package var long: String
  package var short: Character?
  package var takesValue: Bool

  package init(long: String, short: Character?, takesValue: Bool) {
    self.long = long
    self.short = short
    self.takesValue = takesValue
  }

  package static func flag(_ long: String, _ short: Character? = nil) -> OptionForm {
    OptionForm(long: long, short: short, takesValue: false)
  }

  package static func value(_ long: String, _ short: Character? = nil) -> OptionForm {
    OptionForm(long: long, short: short, takesValue: true)
  }
}

/// What the normalizer knows of one verb.
package struct VerbForm: Sendable {
  package var name: String
  package var options: [OptionForm]
  /// The first argument that isn't an option is a program: it and all behind it are the program's own.
  package var endsAtProgram: Bool
  /// What stands behind `--` are values of this option.
  package var restOption: String?

  package init(
    name: String, options: [OptionForm], endsAtProgram: Bool = false, restOption: String? = nil
  ) {
    self.name = name
    self.options = options
    self.endsAtProgram = endsAtProgram
    self.restOption = restOption
  }
}

/// The command line says something that rrs doesn't understand. One line, with what to do.
package struct UsageError: Error, Equatable, CustomStringConvertible {
  package var description: String

  package init(_ description: String) { self.description = description }
}
