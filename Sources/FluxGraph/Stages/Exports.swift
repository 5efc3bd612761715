// What stages need of the system's files, without an import of their own.
@_exported public import Platform
