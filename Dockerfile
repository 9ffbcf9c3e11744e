# pullcred as a static binary, and the sidecar of Argo CD's repo server (argocd/): the server is mounted there, not part of the image.
#
#   docker build --target pullcred -t pullcred .     nothing but the program
#   docker build -t pullcred-argocd .                with a shell and kustomize for the plugins
FROM rust:1.95-alpine AS build
RUN apk add --no-cache musl-dev
WORKDIR /src
COPY . .
RUN RUSTFLAGS='-C target-feature=+crt-static' cargo build --release --locked --bin pullcred

FROM scratch AS pullcred
COPY --from=build /src/target/release/pullcred /usr/local/bin/pullcred
USER 999
ENTRYPOINT ["/usr/local/bin/pullcred"]

FROM golang:1.26-alpine AS tools
ENV CGO_ENABLED=0 GOBIN=/tools
RUN go install -trimpath sigs.k8s.io/kustomize/kustomize/v5@v5.8.2

FROM alpine:3.22 AS argocd
COPY --from=tools /tools/ /usr/local/bin/
COPY --from=build /src/target/release/pullcred /usr/local/bin/pullcred
# The user that Argo CD runs as: files that the server unpacks are readable for nobody else.
USER 999
ENV HOME=/tmp
