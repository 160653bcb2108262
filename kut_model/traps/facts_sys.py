# SPDX-License-Identifier: GPL-2.0-or-later
"""System instructions: IC, DC, AT, TLBI and prediction restrictions; columns: registers.py."""

TABLE = """
# instruction cache
IC_IALLUIS           1:0:7:1:0      x   -   -           hcr:TPU hcr:TICAB ifgt
IC_IALLU             1:0:7:5:0      x   -   -           hcr:TPU hcr:TOCU ifgt
IC_IVAU              1:3:7:5:1      x   x   -           uci hcr:TPU hcr:TOCU ifgt

# data cache
DC_IVAC              1:0:7:6:1      x   -   -           hcr:TPC ifgt
DC_ISW               1:0:7:6:2      x   -   -           hcr:TSW ifgt
DC_IGVAC             1:0:7:6:3      x   -   MTE2        hcr:TPC ifgt:DCIVAC
DC_IGSW              1:0:7:6:4      x   -   MTE2        hcr:TSW ifgt:DCISW
DC_IGDVAC            1:0:7:6:5      x   -   MTE2        hcr:TPC ifgt:DCIVAC
DC_IGDSW             1:0:7:6:6      x   -   MTE2        hcr:TSW ifgt:DCISW
DC_CSW               1:0:7:10:2     x   -   -           hcr:TSW ifgt
DC_CGSW              1:0:7:10:4     x   -   MTE2        hcr:TSW ifgt:DCCSW
DC_CGDSW             1:0:7:10:6     x   -   MTE2        hcr:TSW ifgt:DCCSW
DC_CISW              1:0:7:14:2     x   -   -           hcr:TSW ifgt
DC_CIGSW             1:0:7:14:4     x   -   MTE2        hcr:TSW ifgt:DCCISW
DC_CIGDSW            1:0:7:14:6     x   -   MTE2        hcr:TSW ifgt:DCCISW
DC_ZVA               1:3:7:4:1      x   x   -           dze hcr:TDZ ifgt
DC_GVA               1:3:7:4:3      x   x   MTE         dze hcr:TDZ ifgt:DCZVA
DC_GZVA              1:3:7:4:4      x   x   MTE         dze hcr:TDZ ifgt:DCZVA
DC_CVAC              1:3:7:10:1     x   x   -           uci hcr:TPC ifgt
DC_CGVAC             1:3:7:10:3     x   x   MTE         uci hcr:TPC ifgt:DCCVAC
DC_CGDVAC            1:3:7:10:5     x   x   MTE         uci hcr:TPC ifgt:DCCVAC
DC_CVAU              1:3:7:11:1     x   x   -           uci hcr:TPU hcr:TOCU ifgt
DC_CVAP              1:3:7:12:1     x   x   DPB         uci hcr:TPC ifgt
DC_CGVAP             1:3:7:12:3     x   x   MTE         uci hcr:TPC ifgt:DCCVAP
DC_CGDVAP            1:3:7:12:5     x   x   MTE         uci hcr:TPC ifgt:DCCVAP
DC_CVADP             1:3:7:13:1     x   x   DPB2        uci hcr:TPC ifgt
DC_CGVADP            1:3:7:13:3     x   x   MTE         uci hcr:TPC ifgt:DCCVADP
DC_CGDVADP           1:3:7:13:5     x   x   MTE         uci hcr:TPC ifgt:DCCVADP
DC_CIVAC             1:3:7:14:1     x   x   -           uci hcr:TPC ifgt
DC_CIGVAC            1:3:7:14:3     x   x   MTE         uci hcr:TPC ifgt:DCCIVAC
DC_CIGDVAC           1:3:7:14:5     x   x   MTE         uci hcr:TPC ifgt:DCCIVAC

# address translation
AT_S1E1R             1:0:7:8:0      x   -   -           hcr:AT ifgt
AT_S1E1W             1:0:7:8:1      x   -   -           hcr:AT ifgt
AT_S1E0R             1:0:7:8:2      x   -   -           hcr:AT ifgt
AT_S1E0W             1:0:7:8:3      x   -   -           hcr:AT ifgt
AT_S1E1RP            1:0:7:9:0      x   -   PAN2        hcr:AT ifgt
AT_S1E1WP            1:0:7:9:1      x   -   PAN2        hcr:AT ifgt
AT_S1E1A             1:0:7:9:2      x   -   ATS1A       hcr:AT ifgt
AT_S1E2R             1:4:7:8:0      nv  -   NV          nv
AT_S1E2W             1:4:7:8:1      nv  -   NV          nv
AT_S12E1R            1:4:7:8:4      nv  -   NV          nv
AT_S12E1W            1:4:7:8:5      nv  -   NV          nv
AT_S12E0R            1:4:7:8:6      nv  -   NV          nv
AT_S12E0W            1:4:7:8:7      nv  -   NV          nv

# prediction restriction
CFP_RCTX             1:3:7:3:4      x   x   SPECRES     enrctx ifgt
DVP_RCTX             1:3:7:3:5      x   x   SPECRES     enrctx ifgt
COSP_RCTX            1:3:7:3:6      x   x   SPECRES2    enrctx ifgt
CPP_RCTX             1:3:7:3:7      x   x   SPECRES     enrctx ifgt

# TLB maintenance of EL1
TLBI_VMALLE1         1:0:8:7:0      x   -   -           hcr:TTLB ifgt
TLBI_VAE1            1:0:8:7:1      x   -   -           hcr:TTLB ifgt
TLBI_ASIDE1          1:0:8:7:2      x   -   -           hcr:TTLB ifgt
TLBI_VAAE1           1:0:8:7:3      x   -   -           hcr:TTLB ifgt
TLBI_VALE1           1:0:8:7:5      x   -   -           hcr:TTLB ifgt
TLBI_VAALE1          1:0:8:7:7      x   -   -           hcr:TTLB ifgt
TLBI_RVAE1           1:0:8:6:1      x   -   TLBIRANGE   hcr:TTLB ifgt
TLBI_RVAAE1          1:0:8:6:3      x   -   TLBIRANGE   hcr:TTLB ifgt
TLBI_RVALE1          1:0:8:6:5      x   -   TLBIRANGE   hcr:TTLB ifgt
TLBI_RVAALE1         1:0:8:6:7      x   -   TLBIRANGE   hcr:TTLB ifgt
TLBI_VMALLE1IS       1:0:8:3:0      x   -   -           hcr:TTLB hcr:TTLBIS ifgt
TLBI_VAE1IS          1:0:8:3:1      x   -   -           hcr:TTLB hcr:TTLBIS ifgt
TLBI_ASIDE1IS        1:0:8:3:2      x   -   -           hcr:TTLB hcr:TTLBIS ifgt
TLBI_VAAE1IS         1:0:8:3:3      x   -   -           hcr:TTLB hcr:TTLBIS ifgt
TLBI_VALE1IS         1:0:8:3:5      x   -   -           hcr:TTLB hcr:TTLBIS ifgt
TLBI_VAALE1IS        1:0:8:3:7      x   -   -           hcr:TTLB hcr:TTLBIS ifgt
TLBI_RVAE1IS         1:0:8:2:1      x   -   TLBIRANGE   hcr:TTLB hcr:TTLBIS ifgt
TLBI_RVAAE1IS        1:0:8:2:3      x   -   TLBIRANGE   hcr:TTLB hcr:TTLBIS ifgt
TLBI_RVALE1IS        1:0:8:2:5      x   -   TLBIRANGE   hcr:TTLB hcr:TTLBIS ifgt
TLBI_RVAALE1IS       1:0:8:2:7      x   -   TLBIRANGE   hcr:TTLB hcr:TTLBIS ifgt
TLBI_VMALLE1OS       1:0:8:1:0      x   -   TLBIOS      hcr:TTLB hcr:TTLBOS ifgt
TLBI_VAE1OS          1:0:8:1:1      x   -   TLBIOS      hcr:TTLB hcr:TTLBOS ifgt
TLBI_ASIDE1OS        1:0:8:1:2      x   -   TLBIOS      hcr:TTLB hcr:TTLBOS ifgt
TLBI_VAAE1OS         1:0:8:1:3      x   -   TLBIOS      hcr:TTLB hcr:TTLBOS ifgt
TLBI_VALE1OS         1:0:8:1:5      x   -   TLBIOS      hcr:TTLB hcr:TTLBOS ifgt
TLBI_VAALE1OS        1:0:8:1:7      x   -   TLBIOS      hcr:TTLB hcr:TTLBOS ifgt
TLBI_RVAE1OS         1:0:8:5:1      x   -   TLBIRANGE   hcr:TTLB hcr:TTLBOS ifgt
TLBI_RVAAE1OS        1:0:8:5:3      x   -   TLBIRANGE   hcr:TTLB hcr:TTLBOS ifgt
TLBI_RVALE1OS        1:0:8:5:5      x   -   TLBIRANGE   hcr:TTLB hcr:TTLBOS ifgt
TLBI_RVAALE1OS       1:0:8:5:7      x   -   TLBIRANGE   hcr:TTLB hcr:TTLBOS ifgt

# TLB maintenance of EL2
TLBI_IPAS2E1IS       1:4:8:0:1      nv  -   NV          nv
TLBI_RIPAS2E1IS      1:4:8:0:2      nv  -   NV,TLBIRANGE nv
TLBI_IPAS2LE1IS      1:4:8:0:5      nv  -   NV          nv
TLBI_RIPAS2LE1IS     1:4:8:0:6      nv  -   NV,TLBIRANGE nv
TLBI_ALLE2OS         1:4:8:1:0      nv  -   NV,TLBIOS   nv
TLBI_VAE2OS          1:4:8:1:1      nv  -   NV,TLBIOS   nv
TLBI_ALLE1OS         1:4:8:1:4      nv  -   NV,TLBIOS   nv
TLBI_VALE2OS         1:4:8:1:5      nv  -   NV,TLBIOS   nv
TLBI_VMALLS12E1OS    1:4:8:1:6      nv  -   NV,TLBIOS   nv
TLBI_RVAE2IS         1:4:8:2:1      nv  -   NV,TLBIRANGE nv
TLBI_RVALE2IS        1:4:8:2:5      nv  -   NV,TLBIRANGE nv
TLBI_ALLE2IS         1:4:8:3:0      nv  -   NV          nv
TLBI_VAE2IS          1:4:8:3:1      nv  -   NV          nv
TLBI_ALLE1IS         1:4:8:3:4      nv  -   NV          nv
TLBI_VALE2IS         1:4:8:3:5      nv  -   NV          nv
TLBI_VMALLS12E1IS    1:4:8:3:6      nv  -   NV          nv
TLBI_IPAS2E1OS       1:4:8:4:0      nv  -   NV,TLBIOS   nv
TLBI_IPAS2E1         1:4:8:4:1      nv  -   NV          nv
TLBI_RIPAS2E1        1:4:8:4:2      nv  -   NV,TLBIRANGE nv
TLBI_RIPAS2E1OS      1:4:8:4:3      nv  -   NV,TLBIRANGE nv
TLBI_IPAS2LE1OS      1:4:8:4:4      nv  -   NV,TLBIOS   nv
TLBI_IPAS2LE1        1:4:8:4:5      nv  -   NV          nv
TLBI_RIPAS2LE1       1:4:8:4:6      nv  -   NV,TLBIRANGE nv
TLBI_RIPAS2LE1OS     1:4:8:4:7      nv  -   NV,TLBIRANGE nv
TLBI_RVAE2OS         1:4:8:5:1      nv  -   NV,TLBIRANGE nv
TLBI_RVALE2OS        1:4:8:5:5      nv  -   NV,TLBIRANGE nv
TLBI_RVAE2           1:4:8:6:1      nv  -   NV,TLBIRANGE nv
TLBI_RVALE2          1:4:8:6:5      nv  -   NV,TLBIRANGE nv
TLBI_ALLE2           1:4:8:7:0      nv  -   NV          nv
TLBI_VAE2            1:4:8:7:1      nv  -   NV          nv
TLBI_ALLE1           1:4:8:7:4      nv  -   NV          nv
TLBI_VALE2           1:4:8:7:5      nv  -   NV          nv
TLBI_VMALLS12E1      1:4:8:7:6      nv  -   NV          nv
"""


def _nxs(line: str) -> str:
    """Return the nXS variant of a TLBI (FEAT_XS), which has CRn 9."""
    name, encoding, el1, el0, features, *rules = line.split()
    features = "XS" if features == "-" else f"{features},XS"
    field = name.replace("_", "")
    rules = [rule.replace("ifgt", f"ifgtnxs:{field}") for rule in rules]
    return " ".join((f"{name}NXS", encoding.replace(":8:", ":9:", 1), el1, el0, features, *rules))


TABLE += "\n".join(_nxs(line) for line in TABLE.splitlines() if line.startswith("TLBI_")) + "\n"
