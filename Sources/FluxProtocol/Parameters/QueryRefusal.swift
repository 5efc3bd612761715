internal import FluxGraph

/// The service's answer to a query string it does not accept: status and JSON body of the refused upgrade.
package enum QueryRefusal: Error, Equatable, Sendable {
  /// 400 `INVALID_QUERY_PARAMETER`.
  case invalidParameter(String)
  /// 400 in the other shape, `code` and `description`.
  case unsupported(String)
  /// 403: a model that is well formed and not available.
  case modelNotAccessible

  package var status: Int {
    switch self {
    case .invalidParameter, .unsupported: 400
    case .modelNotAccessible: 403
    }
  }

  /// Also the value of the `dg-error` header.
  package var message: String {
    switch self {
    case .invalidParameter(let message), .unsupported(let message): message
    case .modelNotAccessible: "Project does not have access to the requested model."
    }
  }

  package func body(requestID: String) -> String {
    switch self {
    case .invalidParameter(let message):
      FluxErrorBody.make(code: "INVALID_QUERY_PARAMETER", message: message, requestID: requestID)
    case .unsupported(let message):
      JSONValue.object([("code", "INVALID_PARAMETER"), ("description", .string(message))]).serialized
    case .modelNotAccessible:
      FluxErrorBody.make(code: "INSUFFICIENT_PERMISSIONS", message: message, requestID: requestID)
    }
  }
}

/// The usual body of a refusal.
package enum FluxErrorBody {
  package static func make(code: String, message: String, requestID: String) -> String {
    JSONValue.object([
      ("err_code", .string(code)), ("err_msg", .string(message)), ("request_id", .string(requestID)),
    ]).serialized
  }
}
