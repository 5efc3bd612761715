// What stages need of the system and of HTTP, without an import of their own.
@_exported public import HTTPCore
@_exported public import Platform
