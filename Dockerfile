# The server as a container: docker build -t espalier . && docker run -p 7420:7420 -v espalier:/data espalier
# (elsewhere than on localhost add -e ESPALIER_PUBLIC_URL=https://your.host).
# It needs no trainer; trainers join it by URL and token (trainer/Dockerfile is one).
FROM debian:bookworm-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends nodejs npm git ca-certificates \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN bin/build

FROM debian:bookworm-slim
RUN useradd --create-home --uid 10001 espalier && install -d -o espalier /data
COPY --from=build /src/dist/espalier /usr/local/bin/espalier
COPY --from=build /src/LICENSE /src/NOTICE /src/THIRD_PARTY_NOTICES.md /usr/share/doc/espalier/
USER espalier
ENV ESPALIER_CACHE_DIR=/home/espalier/.cache/espalier ESPALIER_PUBLIC_URL=http://localhost:7420
VOLUME /data
EXPOSE 7420
STOPSIGNAL SIGTERM
ENTRYPOINT ["espalier"]
CMD ["serve", "--data", "/data", "--host", "0.0.0.0", "--port", "7420"]
