# The server, its workers and its command line, in one image; see docs/deploying.md.
# Images by digest, where you have your own: docker build --build-arg PYTHON_IMAGE=…@sha256:…
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG NODE_IMAGE=node:22-bookworm-slim

FROM ${NODE_IMAGE} AS pages
WORKDIR /source/web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
COPY web/ ./
RUN npm run build

FROM ${PYTHON_IMAGE} AS packages
WORKDIR /source
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements/build.txt requirements/servers.txt requirements/
RUN pip install --require-hashes -r requirements/build.txt
RUN python -m venv --without-pip /opt/hyperdata \
  && pip --python /opt/hyperdata install --require-hashes --only-binary :all: -r requirements/servers.txt
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY server/ server/
COPY --from=pages /source/server/static/ server/static/
RUN python -m hatchling build -t wheel -d /wheels \
  && pip --python /opt/hyperdata install --no-deps --no-index /wheels/*.whl

FROM ${PYTHON_IMAGE}
RUN groupadd --system --gid 10001 hyperdata \
  && useradd --system --uid 10001 --gid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin hyperdata \
  && install --directory --owner 10001 --group 10001 --mode 700 /data
COPY --from=packages /opt/hyperdata /opt/hyperdata
ENV PATH=/opt/hyperdata/bin:$PATH PYTHONDONTWRITEBYTECODE=1 HYPERDATA_DATA_DIR=/data
# As a number, so that Kubernetes can see that it is not root. All else may be read-only: what is
# written goes to /data, and to /tmp.
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["hyperdata", "probe"]
ENTRYPOINT ["hyperdata"]
CMD ["serve", "--host", "0.0.0.0"]
