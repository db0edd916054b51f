namespace Pipeline.Model.CpuKernels.Lanes;

/// <summary>Sixteen floats one after the other: for hosts without vector units, and the plainest statement of what the others do.</summary>
internal unsafe struct LanesScalar : ILanes<LanesScalar>
{
    private fixed float _lanes[LaneCount.Value];

    public static int TileRows => 2;

    public static LanesScalar Broadcast(float value)
    {
        LanesScalar result;
        for (var i = 0; i < LaneCount.Value; i++)
        {
            result._lanes[i] = value;
        }

        return result;
    }

    public static LanesScalar Load(float* source)
    {
        LanesScalar result;
        for (var i = 0; i < LaneCount.Value; i++)
        {
            result._lanes[i] = source[i];
        }

        return result;
    }

    public static void Store(LanesScalar value, float* target)
    {
        for (var i = 0; i < LaneCount.Value; i++)
        {
            target[i] = value._lanes[i];
        }
    }

    public static LanesScalar Add(LanesScalar left, LanesScalar right)
    {
        for (var i = 0; i < LaneCount.Value; i++)
        {
            left._lanes[i] += right._lanes[i];
        }

        return left;
    }

    public static LanesScalar Subtract(LanesScalar left, LanesScalar right)
    {
        for (var i = 0; i < LaneCount.Value; i++)
        {
            left._lanes[i] -= right._lanes[i];
        }

        return left;
    }

    public static LanesScalar Multiply(LanesScalar left, LanesScalar right)
    {
        for (var i = 0; i < LaneCount.Value; i++)
        {
            left._lanes[i] *= right._lanes[i];
        }

        return left;
    }

    public static LanesScalar Divide(LanesScalar left, LanesScalar right)
    {
        for (var i = 0; i < LaneCount.Value; i++)
        {
            left._lanes[i] /= right._lanes[i];
        }

        return left;
    }

    public static LanesScalar FusedMultiplyAdd(LanesScalar left, LanesScalar right, LanesScalar addend)
    {
        for (var i = 0; i < LaneCount.Value; i++)
        {
            addend._lanes[i] = MathF.FusedMultiplyAdd(left._lanes[i], right._lanes[i], addend._lanes[i]);
        }

        return addend;
    }

    public static LanesScalar Max(LanesScalar left, LanesScalar right) => SelectLess(right, left, left, right);

    public static LanesScalar SelectLess(LanesScalar left, LanesScalar right, LanesScalar then, LanesScalar otherwise)
    {
        for (var i = 0; i < LaneCount.Value; i++)
        {
            otherwise._lanes[i] = left._lanes[i] < right._lanes[i] ? then._lanes[i] : otherwise._lanes[i];
        }

        return otherwise;
    }

    public static LanesScalar ScaleByPowerOfTwo(LanesScalar value, LanesScalar exponent)
    {
        for (var i = 0; i < LaneCount.Value; i++)
        {
            var whole = (int)exponent._lanes[i];
            var half = whole >> 1;
            value._lanes[i] = value._lanes[i] * PowerOfTwo(half) * PowerOfTwo(whole - half);
        }

        return value;
    }

    public static float Sum(LanesScalar value)
    {
        for (var width = LaneCount.Value / 2; width > 0; width /= 2)
        {
            for (var i = 0; i < width; i++)
            {
                value._lanes[i] += value._lanes[i + width];
            }
        }

        return value._lanes[0];
    }

    public static void StoreSums(LanesScalar first, LanesScalar second, LanesScalar third, LanesScalar fourth, float* target)
    {
        target[0] = Sum(first);
        target[1] = Sum(second);
        target[2] = Sum(third);
        target[3] = Sum(fourth);
    }

    public static float Maximum(LanesScalar value)
    {
        for (var width = LaneCount.Value / 2; width > 0; width /= 2)
        {
            for (var i = 0; i < width; i++)
            {
                value._lanes[i] = value._lanes[i] > value._lanes[i + width] ? value._lanes[i] : value._lanes[i + width];
            }
        }

        return value._lanes[0];
    }

    private static float PowerOfTwo(int exponent) => BitConverter.Int32BitsToSingle((exponent + 127) << 23);
}
