# SPDX-License-Identifier: MIT
# docker build -t firesteel .                            any pipeline: docker run firesteel run FILE ..
# docker build -t spark-streaming --target devices .     pipelines/devices, as its requirement starts it
# Runs as user 1000, with a root file system that may be read-only; /data (a volume) and /tmp are written.
FROM debian:12-slim AS build
WORKDIR /firesteel
COPY tools tools
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates python3-pip npm && tools/setup build
COPY CMakeLists.txt CMakePresets.json ./
COPY src src
RUN tools/build release firesteel && cmake --install build --prefix /installed --strip

FROM debian:12-slim AS runtime
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends ca-certificates libcurl4 libjansson4 libmicrohttpd12 libpq5 \
        libssl3 libstdc++6 libzstd1 liblz4-1 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 --home-dir /root --no-create-home firesteel \
    && chmod 755 /root \
    && install -d -o firesteel -g firesteel /data /checkpoints
COPY --from=build /installed /usr
COPY pipelines /opt/firesteel/pipelines
# The keys of `-v ~/.aws:/root/.aws:ro` are found there, when user 1000 may read them.
ENV HOME=/root
USER 1000:1000
WORKDIR /data
STOPSIGNAL SIGTERM
ENTRYPOINT ["firesteel"]

FROM runtime AS devices
ENV KAFKA_BOOTSTRAP_SERVERS=kafka:9092
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /livez HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
CMD ["run", "/opt/firesteel/pipelines/devices/devices.sql", "--http", "0.0.0.0:8080"]

FROM runtime AS firesteel
CMD ["--help"]
