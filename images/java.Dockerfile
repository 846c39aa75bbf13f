# The Java programs; targets: launcher, router, operator. Build the jars first.
#   docker build --file images/java.Dockerfile --target router --tag lorax/router:0.1.0 .

FROM eclipse-temurin:25-jdk AS jlink
COPY images/jlink.sh /
RUN sh /jlink.sh "$JAVA_HOME" /runtime

# images/build.py gives a runtime that it made outside in the place of this stage.
FROM scratch AS runtime
COPY --from=jlink /runtime /

# images/build.py gives start-up caches that it recorded in the place of this empty stage.
FROM scratch AS startup
WORKDIR /caches

FROM debian:trixie-slim AS java
RUN groupadd --gid 10001 lorax \
 && useradd --uid 10001 --gid lorax --no-create-home --home-dir /tmp lorax
COPY --from=runtime / /opt/lorax/runtime
ENV PATH=/opt/lorax/bin:/usr/local/bin:/usr/bin:/bin
USER 10001:10001

FROM java AS launcher
COPY images/bin/lorax-launcher /opt/lorax/bin/
COPY launcher/jvm.options launcher/target/lorax-launcher.jar /opt/lorax/lib/
COPY --from=startup /caches/ /opt/lorax/lib/
ENTRYPOINT ["lorax-launcher"]

FROM java AS router
COPY images/bin/lorax-router /opt/lorax/bin/
COPY router/jvm.options router/target/lorax-router.jar /opt/lorax/lib/
COPY --from=startup /caches/ /opt/lorax/lib/
EXPOSE 3000
ENTRYPOINT ["lorax-router"]

FROM java AS operator
COPY images/bin/lorax-operator /opt/lorax/bin/
COPY operator/jvm.options operator/target/lorax-operator.jar /opt/lorax/lib/
COPY --from=startup /caches/ /opt/lorax/lib/
ENTRYPOINT ["lorax-operator"]
