# syntax=docker/dockerfile:1
# One image for every command: `docker run itsm serve catalog`, `docker run itsm migrate`, …
ARG RUST=rust:1.95-bookworm
ARG RUNTIME=gcr.io/distroless/cc-debian12:nonroot

FROM ${RUST} AS chef
RUN cargo install cargo-chef --locked --version 0.1.78
WORKDIR /src

FROM chef AS plan
COPY . .
RUN cargo chef prepare --recipe-path recipe.json

# Dependencies are built from the recipe alone, so that this layer stays while they do.
FROM chef AS build
COPY --from=plan /src/recipe.json .
RUN cargo chef cook --release --locked --package itsm --recipe-path recipe.json
COPY . .
RUN cargo build --release --locked --package itsm --bin itsm \
    && install -D target/release/itsm /out/itsm \
    && install -d /out/reports

# No shell, no package manager, no root. Nothing outside the volume of reports is ever written.
FROM ${RUNTIME}
COPY --from=build /out/itsm /usr/local/bin/itsm
COPY --from=build --chown=65532:65532 /out/reports /var/lib/itsm/reports
USER 65532:65532
ENV ITSM_REPORTS=/var/lib/itsm/reports ITSM_LOG_FORMAT=json
EXPOSE 7100 7101 7102 7103 9464
# The server on this port is asked; a container that runs another one overrides it.
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s CMD ["itsm", "check", "127.0.0.1:7102"]
ENTRYPOINT ["itsm"]
CMD ["help"]
