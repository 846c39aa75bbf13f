package dev.lorax.router.http;

import dev.lorax.router.generation.Rejection;
import dev.lorax.router.metrics.FailureLabel;
import io.vertx.core.buffer.Buffer;

/** How a rejection looks to the client: upstream's shape, or that of OpenAI. */
enum ErrorFormat {
  NATIVE {
    @Override
    Buffer body(Rejection rejection) {
      return body(message(rejection), errorType(rejection.kind()));
    }

    @Override
    Buffer body(String message, String errorType) {
      return Json.write(json -> {
        json.writeStringField("error", message);
        json.writeStringField("error_type", errorType);
      });
    }
  },

  OPENAI {
    @Override
    Buffer body(Rejection rejection) {
      return body(message(rejection), errorType(rejection.kind()), openAiType(rejection.kind()));
    }

    @Override
    Buffer body(String message, String errorType) {
      return body(message, errorType, "invalid_request_error");
    }

    private Buffer body(String message, String code, String type) {
      return Json.write(json -> {
        json.writeObjectFieldStart("error");
        json.writeStringField("message", message);
        json.writeStringField("type", type);
        json.writeNullField("param");
        json.writeStringField("code", code);
        json.writeEndObject();
      });
    }
  };

  abstract Buffer body(Rejection rejection);

  /** For refusals of HTTP itself. */
  abstract Buffer body(String message, String errorType);

  static int status(Rejection.Kind kind) {
    return switch (kind) {
      case MALFORMED -> 400;
      case ILL_TYPED, VALIDATION, TEMPLATE -> 422;
      case GENERATION -> 424;
      case UNAUTHORIZED -> 401;
      case FORBIDDEN -> 403;
      case OVERLOADED, RATE_LIMITED -> 429;
      case INCOMPLETE, EMBEDDING, CLASSIFICATION -> 500;
      case UNAVAILABLE -> 503;
    };
  }

  static FailureLabel label(Rejection.Kind kind) {
    return switch (kind) {
      case MALFORMED, ILL_TYPED -> FailureLabel.BAD_REQUEST;
      case VALIDATION -> FailureLabel.VALIDATION;
      case TEMPLATE -> FailureLabel.TEMPLATE;
      case GENERATION -> FailureLabel.GENERATION;
      case OVERLOADED -> FailureLabel.OVERLOADED;
      case UNAUTHORIZED -> FailureLabel.UNAUTHORIZED;
      case FORBIDDEN -> FailureLabel.FORBIDDEN;
      case RATE_LIMITED -> FailureLabel.RATE_LIMITED;
      case INCOMPLETE -> FailureLabel.INCOMPLETE;
      case EMBEDDING -> FailureLabel.EMBEDDING_FAILURE;
      case CLASSIFICATION -> FailureLabel.CLASSIFICATION_FAILURE;
      case UNAVAILABLE -> FailureLabel.UNAVAILABLE;
    };
  }

  private static String errorType(Rejection.Kind kind) {
    return switch (kind) {
      case MALFORMED -> "bad_request";
      case ILL_TYPED, VALIDATION -> "validation";
      case TEMPLATE -> "template_error";
      case GENERATION -> "generation";
      case OVERLOADED -> "overloaded";
      case UNAUTHORIZED -> "unauthorized";
      case FORBIDDEN -> "forbidden";
      case RATE_LIMITED -> "rate_limited";
      case INCOMPLETE -> "incomplete_generation";
      case EMBEDDING -> "embedding_failure";
      case CLASSIFICATION -> "classification_failure";
      case UNAVAILABLE -> "unavailable";
    };
  }

  private static String openAiType(Rejection.Kind kind) {
    return switch (kind) {
      case MALFORMED, ILL_TYPED, VALIDATION, TEMPLATE -> "invalid_request_error";
      case OVERLOADED, RATE_LIMITED -> "rate_limit_error";
      case UNAUTHORIZED -> "authentication_error";
      case FORBIDDEN -> "permission_error";
      case GENERATION, INCOMPLETE, EMBEDDING, CLASSIFICATION, UNAVAILABLE -> "server_error";
    };
  }

  private static String message(Rejection rejection) {
    String message = rejection.message();
    return switch (rejection.kind()) {
      case VALIDATION -> "Input validation error: " + message;
      case ILL_TYPED -> "Failed to deserialize the JSON body into the target type: " + message;
      case TEMPLATE -> "Failed applying chat template to inputs: " + message;
      case GENERATION -> "Request failed during generation: " + message;
      case MALFORMED,
          OVERLOADED,
          UNAUTHORIZED,
          FORBIDDEN,
          RATE_LIMITED,
          INCOMPLETE,
          EMBEDDING,
          CLASSIFICATION,
          UNAVAILABLE ->
          message;
    };
  }
}
