package dev.lorax.operator.server.apply;

import static java.lang.invoke.MethodType.methodType;

import com.fasterxml.jackson.databind.BeanDescription;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.introspect.AnnotatedMember;
import io.fabric8.kubernetes.api.model.IntOrString;
import io.fabric8.kubernetes.api.model.MicroTime;
import io.fabric8.kubernetes.api.model.Quantity;
import java.lang.invoke.LambdaMetafactory;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The fields of the classes of the Kubernetes API, under their names in JSON. They are read from
 * the objects as these are: to write an object as a tree first costs several times as much.
 */
record Fields(List<Field> all) {

  private static final ObjectMapper MAPPER = new ObjectMapper();

  private static final ClassValue<Fields> BY_CLASS =
      new ClassValue<>() {
        @Override
        protected Fields computeValue(Class<?> type) {
          return read(type);
        }
      };

  /** One of them; the name is empty for those that the class does not know by name. */
  record Field(String name, Getter getter) {

    /** Its value in {@code object}; null where it has none, or an empty one. */
    @Nullable Object of(Object object) {
      return getter.get(object);
    }
  }

  /** The fields of the class of {@code object}, in an order that never changes. */
  static Fields of(Object object) {
    return BY_CLASS.get(object.getClass());
  }

  /** Whether {@code value} has no fields but is one piece. */
  static boolean isScalar(Object value) {
    return value instanceof String
        || value instanceof Number
        || value instanceof Boolean
        || value instanceof Quantity
        || value instanceof IntOrString
        || value instanceof MicroTime
        || value instanceof Enum<?>;
  }

  /** Reads one field. */
  private interface Getter {
    @Nullable Object get(Object object);
  }

  private static Fields read(Class<?> type) {
    BeanDescription description =
        MAPPER.getSerializationConfig().introspect(MAPPER.constructType(type));
    var fields = new ArrayList<Field>();
    for (var property : description.findProperties()) {
      if (property.getGetter() != null) {
        fields.add(new Field(property.getName(), getter(property.getGetter().getAnnotated())));
      }
    }
    AnnotatedMember others = description.findAnyGetter();
    if (others != null) {
      fields.add(new Field("", getter((Method) others.getMember())));
    }
    return new Fields(List.copyOf(fields));
  }

  /** A call of the method, as if it were written here: by reflection each read takes longer. */
  private static Getter getter(Method method) {
    Getter getter = call(method);
    if (Collection.class.isAssignableFrom(method.getReturnType())) {
      return object -> {
        var list = (Collection<?>) getter.get(object);
        return list == null || list.isEmpty() ? null : list;
      };
    }
    if (Map.class.isAssignableFrom(method.getReturnType())) {
      return object -> {
        var map = (Map<?, ?>) getter.get(object);
        return map == null || map.isEmpty() ? null : map;
      };
    }
    return getter;
  }

  private static Getter call(Method method) {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      MethodHandle handle = lookup.unreflect(method);
      return (Getter)
          LambdaMetafactory.metafactory(
                  lookup,
                  "get",
                  methodType(Getter.class),
                  methodType(Object.class, Object.class),
                  handle,
                  handle.type().wrap())
              .getTarget()
              .invokeExact();
    } catch (Throwable e) {
      throw new IllegalStateException("not a public getter: " + method, e);
    }
  }
}
